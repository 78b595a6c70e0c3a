/// Name and version of this program in the files that it writes.
public enum Version {
    public static let number = "0.2.0"
    public static let program = "couplet \(number)"
}
