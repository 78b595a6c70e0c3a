import CoupletFiles
import CoupletReports
import CoupletTensors
import CoupletText
import CoupletTraining

/// The emoji study: pictures of emoji and what people call them in 32 languages. One page from the sweeps that
/// `launch/reproduce emoji` trains. The same folders give the same bytes.
public struct EmojiStudy: Sendable {
    /// The sweeps in the order of the page. The raw values are the names of their folders.
    public enum Part: String, CaseIterable, Sendable {
        case pictures
        /// A free vector for each picture in place of an encoder: what texts alone can do.
        case vectors
    }

    /// The file of the pairs that are held out, beside the file of the training pairs.
    static let heldOutName = "languages.h5"

    private let sweeps: StudySweeps<Part, EmojiTrial>
    private let contents: [Part: [any PageContent]]

    /// Reads the sweeps that exist in a folder, and looks up all held-out texts with their encoders.
    /// - Throws: `FileError` if there is no sweep, or a sweep or its data are damaged or of another study;
    ///   `ConfigurationError`; `DataError`.
    public init(reading folder: String) throws {
        let sweeps = try StudySweeps<Part, EmojiTrial>(reading: folder, of: "emoji", command: "emoji")
        self.sweeps = sweeps
        var contents: [Part: [any PageContent]] = [:], data: EmojiData?
        for part in sweeps.parts {
            guard let trial = sweeps[part]?.trials.first else { continue }
            let opened = try data ?? EmojiData(reading: trial.dataPath)
            data = opened
            let model = try EmojiModel(trial, gallery: opened.seen, numbered: part == .vectors)
            switch part {
            case .pictures: contents[part] = try EmojiSection(opened, model).content
            case .vectors: contents[part] = try EmojiVectorsSection(opened, model).content
            }
        }
        self.contents = contents
    }

    /// The parts whose sweeps exist.
    public var parts: [Part] { sweeps.parts }

    public var page: ReportPage {
        ReportPage(
            title: "Emoji and their names in 32 languages",
            lead:
                "Made by \(Version.program) from the sweeps of launch/reproduce emoji. Pictures of Debian's "
                + "fonts-noto-color-emoji, names and keywords of its unicode-cldr-core."
        ) {
            Paragraph(
                "One encoder reads pictures of 32 × 32 pixels, the other the character n-grams of a text in any of 32 "
                    + "languages. No text says its language. Two kinds of data are held out. Of each emoji's "
                    + "languages about a ninth: its name and all of its keywords there. And whole emoji, in all "
                    + "languages: man, woman and person of one emoji together, no flags, of which nothing can be "
                    + "inferred. A text finds a picture if the picture, or another one that has the same text among "
                    + "those held out, scores highest. Errors are standard deviations of a bootstrap over the "
                    + "pictures.")
            sweeps.sections { part, _ in contents[part] ?? [] }
        }
    }
}

extension EmojiStudy.Part: StudyPart {
    var heading: String {
        switch self {
        case .pictures: "Pictures and texts"
        case .vectors: "A vector for each picture"
        }
    }
}

/// The files of the study and their queries.
struct EmojiData {
    /// Training pairs, and the pairs of emoji that are never seen. Its pictures are the gallery.
    let seen: EmojiPairs
    /// Texts of seen emoji in languages that are held out for them.
    let languages: EmojiQueries
    /// Texts of emoji that are never seen.
    let unseen: EmojiQueries
    /// The texts of `languages`.
    let languageTexts: [String]

    init(reading path: String) throws {
        seen = try EmojiPairs(reading: path)
        let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        let heldOut = try EmojiPairs(reading: (folder.isEmpty ? "" : folder + "/") + EmojiStudy.heldOutName)
        let count = seen.pictures.rows
        languages = EmojiQueries(heldOut, split: 1, rows: try heldOut.rows(in: seen), galleryCount: count)
        unseen = EmojiQueries(seen, split: 1, rows: Array(0..<count), galleryCount: count)
        languageTexts = heldOut.texts
        guard !languages.queries.isEmpty, !unseen.queries.isEmpty else {
            throw FileError(
                .badData, at: path, reason: "no pairs are held out in it or in \(EmojiStudy.heldOutName)",
                remedy: "launch/reproduce emoji makes both files")
        }
    }
}
