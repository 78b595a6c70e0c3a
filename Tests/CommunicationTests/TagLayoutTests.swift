import CoupletCommunication
import Testing

@Suite struct TagLayoutTests {
    /// Every pair of threads has tags of its own in every lane of every group that there is room for, all within what MPI allows.
    @Test(arguments: [(1, 32_767), (3, 32_767), (4, 32_767), (16, 32_767), (64, Int(Int32.max))])
    func tagsAreDistinctAndAllowed(threads: Int, largestTag: Int) throws {
        let layout = try TagLayout(threads: threads, largestTag: largestTag)
        var seen: Set<Int32> = []
        for context in 0..<2 {
            for lane in 0..<Lane.count {
                for sender in 0..<threads {
                    for receiver in 0..<threads {
                        let tag = layout.tag(context: context, lane: lane, sender: sender, receiver: receiver)
                        #expect(tag >= 0 && Int(tag) <= largestTag)
                        #expect(seen.insert(tag).inserted)
                    }
                }
            }
        }
        // Long after the numbers of groups have run out, tags are still allowed and never those of the first group.
        for context in 1..<10_000 {
            let tag = layout.tag(context: context, lane: Lane.count - 1, sender: threads - 1, receiver: threads - 1)
            #expect(
                Int(tag) <= largestTag
                    && tag > layout.tag(context: 0, lane: Lane.count - 1, sender: threads - 1, receiver: threads - 1))
        }
    }

    @Test func tooManyThreadsForTheTagsAreRefused() {
        #expect(failure(CollectiveError.self) { _ = try TagLayout(threads: 64, largestTag: 32_767) }?.kind == .launch)
    }
}
