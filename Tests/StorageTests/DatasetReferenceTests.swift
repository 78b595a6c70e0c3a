import CoupletFiles
import CoupletStorage
import Testing

@Suite struct DatasetReferenceTests {
    @Test func referencesAreParsed() throws {
        let reference = try DatasetReference("runs/a:b/x.h5:/covariance/uu")
        #expect(reference.file == "runs/a:b/x.h5" && reference.dataset == "/covariance/uu")
        #expect(reference.description == "runs/a:b/x.h5:/covariance/uu")
        for text in ["x.h5", "x.h5:first", "x.h5:/", ":/first", "", "x.h5:/first/", ":"] {
            #expect(throws: FileError.self, "\(text)") { try DatasetReference(text) }
        }
    }
}
