import CoupletCommunication
import TestSupport
import Testing

@Suite struct TagLayoutTests {
    /// Every pair of threads has its own tags in every channel of every group, as long as there are enough tags. All
    /// are within MPI's range.
    @Test(arguments: [(1, 32_767), (3, 32_767), (4, 32_767), (16, 32_767), (64, Int(Int32.max))])
    func tagsAreDistinctAndAllowed(threads: Int, largestTag: Int) throws {
        let layout = try TagLayout(threads: threads, largestTag: largestTag)
        var seen: Set<Int32> = []
        for context in 0..<2 {
            for channel in 0..<Channel.count {
                for sender in 0..<threads {
                    for receiver in 0..<threads {
                        let tag = layout.tag(context: context, channel: channel, sender: sender, receiver: receiver)
                        #expect(tag >= 0 && Int(tag) <= largestTag)
                        #expect(seen.insert(tag).inserted)
                    }
                }
            }
        }
        // Later groups reuse tags within MPI's range, but never the tags of the first group.
        for context in 1..<10_000 {
            let tag = layout.tag(
                context: context, channel: Channel.count - 1, sender: threads - 1, receiver: threads - 1)
            #expect(
                Int(tag) <= largestTag
                    && tag
                        > layout.tag(context: 0, channel: Channel.count - 1, sender: threads - 1, receiver: threads - 1)
            )
        }
    }

    @Test func tooManyThreadsForTheTagsAreRefused() {
        #expect(
            thrownError(CollectiveError.self) { _ = try TagLayout(threads: 64, largestTag: 32_767) }?.kind == .launch)
    }
}
