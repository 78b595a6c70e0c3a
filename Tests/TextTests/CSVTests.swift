import CoupletText
import Testing

@Suite struct CSVTests {
    /// A spreadsheet runs no cell as a formula, and numbers stay numbers.
    @Test(arguments: [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"), ("@SUM(1)", "'@SUM(1)"), ("+1+cmd", "'+1+cmd"),
        ("-2+3", "'-2+3"), ("\tx", "'\tx"), ("=1,2", "\"'=1,2\""), ("'=1", "''=1"), ("-", "'-"), ("-inf", "'-inf"),
        ("-1.5e-3", "-1.5e-3"), ("+7", "+7"), ("0.1", "0.1"), ("", ""), ("'quoted'", "'quoted'"), ("a=b", "a=b"),
        ("{kind: mlp}", "{kind: mlp}"),
    ])
    func formulasAreText(cell: String, written: String) {
        #expect(CSV.line([cell]) == written)
        if !cell.isEmpty { #expect(CSV.records(CSV.line([cell]) + "\n") == [[cell]]) }
    }

    @Test func everyCellReadsBack() {
        let starts = ["", "'", "''", "=", "'=", "''=", "-", "'-1", "-1", "@", "\t", "\"=\"", "1,2", "\n=1"]
        for first in starts {
            for second in starts {
                let cells = [first + second, second, "x"]
                #expect(CSV.records(CSV.line(cells) + "\n") == [cells])
            }
        }
    }
}
