import Glibc

/// Reads and formats durations.
package enum DurationText {
    private static let units: [(name: Character, seconds: Int)] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)]
    /// 100,000 days. A longer duration is refused.
    package static let largestSeconds = 100_000 * 86_400

    /// Parses a duration such as "90s", "45m", "3h55m" or "1d2h": whole numbers, each followed by its unit (d, h, m,
    /// s), larger units first.
    /// - Returns: the duration in seconds; nil if the text is not a duration.
    package static func seconds(_ text: String) -> Int? {
        var rest = text[...], unitsLeft = units[...], total = 0
        while !rest.isEmpty {
            let digits = rest.prefix { ("0"..."9").contains($0) }
            rest = rest.dropFirst(digits.count)
            guard let number = Int(digits), number <= largestSeconds, let name = rest.popFirst(),
                let unit = unitsLeft.firstIndex(where: { $0.name == name })
            else { return nil }
            total += number * unitsLeft[unit].seconds
            unitsLeft = unitsLeft[(unit + 1)...]
        }
        return text.isEmpty || total > largestSeconds ? nil : total
    }

    /// The text that `seconds(_:)` reads back as the same duration: "3h55m".
    package static func text(_ seconds: Int) -> String {
        var rest = seconds, text = ""
        for unit in units where rest >= unit.seconds {
            text += "\(rest / unit.seconds)\(unit.name)"
            rest %= unit.seconds
        }
        return text.isEmpty ? "0s" : text
    }

    /// The text of a duration rounded up to whole seconds, at least 1 s.
    package static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        return text(max(1, Int(seconds) + (attoseconds > 0 ? 1 : 0)))
    }

    /// A duration as a clock shows it: "0:07", "12:40", "3:05:00"; from 48 hours on "2 d 4 h". "?" if it is negative or
    /// not finite.
    package static func clock(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 1e12 else { return "?" }
        let whole = Int(seconds.rounded())
        let twoDigits = { (number: Int) in number < 10 ? "0\(number)" : "\(number)" }
        if whole < 3_600 { return "\(whole / 60):\(twoDigits(whole % 60))" }
        if whole < 48 * 3_600 { return "\(whole / 3_600):\(twoDigits(whole / 60 % 60)):\(twoDigits(whole % 60))" }
        return daysAndHours(whole)
    }

    /// A duration with its units: "7 s", "12 min 40 s", "3 h 5 min", "2 d 4 h". "–" if it is missing, negative or not
    /// finite.
    package static func words(_ seconds: Double?) -> String {
        guard let seconds, seconds.isFinite, seconds >= 0, seconds < 1e12 else { return "–" }
        if seconds < 60 { return "\(TypographicNumber.short(seconds, 2)) s" }
        let whole = Int(seconds.rounded())
        if whole < 3_600 { return "\(whole / 60) min \(whole % 60) s" }
        if whole < 48 * 3_600 { return "\(whole / 3_600) h \(whole / 60 % 60) min" }
        return daysAndHours(whole)
    }

    /// A measured duration in the unit that suits it: "1.234 s", "5.678 ms", "9.01 µs".
    package static func measured(_ seconds: Double) -> String {
        if seconds >= 1 { return NumberText.fixed(seconds, 3) + " s" }
        return seconds >= 1e-3 ? NumberText.fixed(1e3 * seconds, 3) + " ms" : NumberText.fixed(1e6 * seconds, 2) + " µs"
    }

    private static func daysAndHours(_ seconds: Int) -> String { "\(seconds / 86_400) d \(seconds / 3_600 % 24) h" }
}

extension Duration {
    /// The duration in seconds.
    package var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}

/// Formats points in time (ISO 8601).
package enum Timestamp {
    /// Seconds since the beginning of 1970, by the system clock.
    package static var seconds: Double {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9
    }

    /// The current time in UTC: "2025-05-30T12:00:00Z", or with milliseconds "2025-05-30T12:00:00.123Z".
    package static func now(milliseconds: Bool = false) -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var calendarTime = tm()
        gmtime_r(&now.tv_sec, &calendarTime)
        var buffer = [CChar](repeating: 0, count: 32)
        let length = strftime(&buffer, buffer.count, "%Y-%m-%dT%H:%M:%S", &calendarTime)
        let text = String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return milliseconds ? "\(text).\(String(1_000 + now.tv_nsec / 1_000_000).dropFirst())Z" : "\(text)Z"
    }
}
