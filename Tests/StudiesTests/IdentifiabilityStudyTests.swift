import CoupletReports
import CoupletStudies
import Foundation
import TestSupport
import Testing

@Suite struct IdentifiabilityStudyTests {
    private typealias Fixture = IdentifiabilityFixture

    /// The rows of all tables of a page: the text of each cell, and whether the cell is marked as unexpected.
    private static func rows(_ markup: ParsedMarkup) -> [[(text: String, isUnexpected: Bool)]] {
        var rows: [[(text: String, isUnexpected: Bool)]] = []
        for element in markup.elements {
            if element.name == "tr" { rows.append([]) }
            if element.name == "td" || element.name == "th" {
                rows[rows.count - 1].append((element.text, element.attributes["class"]?.contains("apart") ?? false))
            }
        }
        return rows
    }

    /// Which scores of the row with this title have an expected value.
    private static func expectations(_ rows: [[(text: String, isUnexpected: Bool)]], _ title: String) -> [Bool] {
        let cells = rows.first { $0[0].text == title }?[2..<9] ?? []
        return cells.map { cell in cell.text.contains { "≈≠≤>".contains($0) } }
    }

    private static func plots(_ content: [any PageContent]) -> [Plot] {
        content.flatMap { part in
            if let section = part as? Section { return plots(section.content) }
            return (part as? FigureGroup)?.figures.compactMap { $0 as? Plot } ?? []
        }
    }

    private static func plots(_ study: IdentifiabilityStudy, in heading: String) throws -> [Plot] {
        plots(try #require(study.page.content.compactMap { $0 as? Section }.first { $0.heading == heading }).content)
    }

    /// All numbers of the table: means and deviations from the fixture, expected values from the matrices of the
    /// source.
    @Test func theTableContainsMeasuredAndExpectedScores() throws {
        let fixture = Fixture()
        try fixture.write("table", Fixture.settings.map(\.setting))
        let markup = ParsedMarkup(try IdentifiabilityStudy(reading: fixture.folder.path).page.html)
        #expect(markup.problem == nil, "\(markup.problem ?? "")")
        let rows = Self.rows(markup)
        var unexpected = 0, compared = 0
        for (title, setting) in Fixture.settings {
            let ofStyle = try Fixture.contentDetermination(setting, isPerturbed: false),
                ofPerturbed = try Fixture.contentDetermination(setting, isPerturbed: true)
            #expect(setting.isCausal ? ofStyle > ofPerturbed && ofPerturbed > 0 : ofStyle == 0 && ofPerturbed == 0)
            let expected = [
                "c": 1, "s": ofStyle, "s_perturbed": ofPerturbed, "m1": 0, "m2": 0, "c_permuted": 1, "from_content": 1,
            ]
            for encoder in ["first", "second"] {
                let found = rows.filter { $0.count == 10 && $0[0].text == title && $0[1].text == encoder }
                // First by kernel ridge regression, then by linear regression.
                #expect(found.count == 2, "\(title), \(encoder)")
                for (row, regressor) in zip(found, ["kernel_ridge", "linear"]) {
                    for (cell, measure) in zip(row[2...], Fixture.measures) {
                        let values = Fixture.seeds.map { setting.score(measure, encoder, regressor, seed: $0) },
                            mean = (values[0] + values[1]) / 2
                        let wanted = try #require(expected[measure]), difference = max(mean, 0) - wanted
                        let isUnexpected = regressor == "linear" ? difference > 0.05 : abs(difference) > 0.05
                        let sign = regressor == "linear" ? isUnexpected ? ">" : "≤" : isUnexpected ? "≠" : "≈"
                        #expect(
                            cell.text.hasPrefix("\(Fixture.text(values)) \(sign) "),
                            "\(title), \(encoder), \(measure): \(cell.text)")
                        let shown = try #require(Double(cell.text.split(separator: " ").last ?? ""))
                        #expect(abs(shown - wanted) <= 0.0005 && cell.isUnexpected == isUnexpected)
                        if regressor == "kernel_ridge" {
                            (compared, unexpected) = (compared + 1, unexpected + (isUnexpected ? 1 : 0))
                        }
                    }
                    #expect(
                        row[9].text
                            == Fixture.text(Fixture.seeds.map { setting.score("correlation", encoder, "", seed: $0) }))
                }
            }
        }
        #expect(compared == 112 && unexpected > 0 && unexpected < compared)
        let agreement = "By kernel ridge regression, \(compared - unexpected) of \(compared) R² agree with the theorem"
        #expect(markup.all("p").contains { $0.text.hasPrefix(agreement) })
        #expect(
            markup.all("p", class: "warning").contains {
                $0.text.hasPrefix("Exceptions: ")
                    && $0.text.hasSuffix("and \(unexpected - 8) more, coloured in the table.")
            })
        #expect(markup.all("p", class: "remark").contains { $0.text.contains("over 2 seeds") })
    }

    @Test func figuresOverTheEncodingSize() throws {
        let fixture = Fixture(), sizes = [8, 1, 5]
        try fixture.write("encoding_size", sizes.map { Fixture.Setting(size: $0) })
        let study = try IdentifiabilityStudy(reading: fixture.folder.path)
        #expect(study.parts == [.encodingSize])
        let plots = try Self.plots(study, in: "Encodings of other sizes")
        #expect(plots.count == 6)
        for encoder in ["first", "second"] {
            for (regressor, title) in [("kernel_ridge", "kernel ridge"), ("linear", "linear")] {
                let plot = try #require(
                    plots.first { $0.title == "From the \(encoder) encoder, by \(title) regression" })
                #expect(plot.references.map(\.shape) == [.horizontal(1), .vertical(5)])
                for measure in ["c", "s", "s_perturbed", "m1", "m2"] {
                    let points = try #require(plot.series.first { $0.name == measure }).points
                    #expect(points.map(\.x) == [1, 5, 8])
                    for point in points {
                        let values = Fixture.seeds.map {
                            Fixture.Setting(size: Int(point.x)).score(measure, encoder, regressor, seed: $0)
                        }
                        #expect(abs(point.y - (values[0] + values[1]) / 2) <= 1e-12)
                        #expect(abs(point.deviation - abs(values[0] - values[1]) / 2.0.squareRoot()) <= 1e-12)
                    }
                }
                #expect(plot.series.last?.points.map(\.y) == [0.2, 1, 1])
            }
        }
        // For sizes below the content's, the amount of content has no expected value. Larger sizes have no expected
        // values at all.
        let rows = Self.rows(ParsedMarkup(study.page.html)).filter { $0.count == 10 && $0[1].text == "first" }
        func expectations(_ title: String) -> [Bool] { Self.expectations(rows, title) }
        #expect(expectations("size 1") == [false, true, true, true, true, false, true])
        #expect(expectations("size 5") == [Bool](repeating: true, count: 7))
        #expect(expectations("size 8") == [Bool](repeating: false, count: 7))
    }

    @Test func aStyleThatNeverChangesHasNoExpectedScore() throws {
        let fixture = Fixture()
        try fixture.write("style_change", [0, 0.25].map { Fixture.Setting(change: $0) })
        let study = try IdentifiabilityStudy(reading: fixture.folder.path), markup = ParsedMarkup(study.page.html)
        #expect(
            try Self.plots(study, in: "Styles that seldom change").first?.series.first?.points.map(\.x) == [0, 0.25])
        #expect(markup.all("p").contains { $0.text.contains("5 outputs cannot hold 10 shared dimensions") })
        let rows = Self.rows(markup).filter { $0.count == 10 && $0[1].text == "second" }
        func expectations(_ title: String) -> [Bool] { Self.expectations(rows, title) }
        #expect(expectations("π = 0") == [false, false, false, true, true, false, false])
        #expect(expectations("π = 0.25") == [Bool](repeating: true, count: 7))
    }

    /// The page of an unfinished sweep says so, and the same folder gives the same page.
    @Test func unfinishedSweeps() throws {
        for part in IdentifiabilityStudy.Part.allCases {
            let fixture = Fixture()
            try fixture.write(part.rawValue, [])
            try fixture.folder.write(
                "\(part.rawValue)/sweep.csv",
                "trial,status,seed,identifiability.first.c.kernel_ridge,digest,steps,seconds,reason\n"
                    + "1_seed=1,waiting,1,,,,,\n2_seed=2,failed,2,,,,1,no memory\n")
            let study = try IdentifiabilityStudy(reading: fixture.folder.path), page = ParsedMarkup(study.page.html)
            #expect(study.parts == [part] && page.problem == nil, "\(page.problem ?? "")")
            #expect(page.all("p", class: "warning").map(\.text) == ["2 of 2 trials are not done, 1 of them failed."])
            #expect(try IdentifiabilityStudy(reading: fixture.folder.path).page.html == study.page.html)
        }
    }

    @Test func missingScoresAreDashes() throws {
        let fixture = Fixture(), setting = Fixture.Setting()
        try fixture.write("table", [setting])
        for seed in Fixture.seeds {
            let text = setting.evaluation(seed: seed),
                score = "\"c\": {\"linear\": \(setting.score("c", "first", "linear", seed: seed)), \"kernel_ridge\": "
            let changed = text.replacingOccurrences(
                of: "\(score)\(setting.score("c", "first", "kernel_ridge", seed: seed))}", with: "\(score)null}")
            #expect(changed != text)
            try fixture.folder.write("table/trials/0_seed=\(seed)/evaluation.json", changed)
        }
        let rows = Self.rows(ParsedMarkup(try IdentifiabilityStudy(reading: fixture.folder.path).page.html)).filter {
            $0.count == 10
        }
        // The header and both encoders, for two regressors.
        #expect(rows.count == 6 && rows[1][2].text == "–" && rows[2][2].text != "–" && rows[4][2].text != "–")
    }

    @Test func otherSweepsAreErrors() throws {
        func problem(_ change: (Fixture) throws -> Void) throws -> String {
            let fixture = Fixture()
            try fixture.write("table", [Fixture.Setting()])
            try change(fixture)
            do {
                return "\(try IdentifiabilityStudy(reading: fixture.folder.path).parts)"
            } catch {
                return "\(error)"
            }
        }
        #expect(
            try problem { try $0.folder.write("table/trials/0_seed=2/evaluation.json", "{\"step\": 9}") }.contains(
                "0_seed=2/evaluation.json: the file has no block identifiability"))
        #expect(
            try problem {
                try FileManager.default.removeItem(atPath: "\($0.folder.path)/table/trials/0_seed=1/evaluation.json")
            }
            .contains("couplet evaluate"))
        let gaussian =
            "data: {source: gaussian, dimensions: [4, 3], correlations: [0.8]}\n"
            + "encoders: {embedding: 2, first: {kind: linear}, second: {kind: linear}}\n"
            + "batch: {size: 64}\ntrain: {steps: 9}\n"
        #expect(
            try problem { try $0.folder.write("table/trials/0_seed=1/config.yaml", gaussian) }.contains(
                "not a run on data: {source: latent"))
        #expect(
            try problem { try FileManager.default.removeItem(atPath: "\($0.folder.path)/table") }.contains(
                "no sweep of the identifiability study: none of table, encoding_size, style_change"))
    }
}
