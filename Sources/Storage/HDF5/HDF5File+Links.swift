import CHDF5
import CoupletFiles

extension HDF5File {
    /// Refuses the path of an object in another file. Following such a link, a file from someone else could make this
    /// program read any HDF5 file of its user, and pass the content on.
    /// - Throws: `FileError(.badData)` with the other file.
    func refuseExternalLinks(on name: String) throws {
        guard let target = try externalLink(on: name) else { return }
        throw FileError(
            .badData, at: location(of: name), reason: "is a link to another file, \(target), which is not followed",
            remedy: "name that file itself, or copy the dataset into this one: "
                + "h5copy -f ext -i OLD.h5 -s \(Self.absolute(name)) -o NEW.h5 -d \(Self.absolute(name))")
    }

    /// Follows the hard and soft links of a path.
    /// - Returns: the target of the first external link, "FILE:/name"; nil if there is none, or if the path leads
    ///   nowhere.
    func externalLink(on name: String) throws -> String? {
        let location = location(of: name)
        var components = name.split(separator: "/").map(String.init)[...]
        var (group, softLinks) = ("", 0)
        while let component = components.popFirst() {
            if component == "." { continue }
            let path = group + "/" + component
            guard HDF5Library.quietly({ H5Lexists(id, path, couplet_H5P_DEFAULT()) }) > 0 else { return nil }
            var link = H5L_info_t()
            try HDF5Library.call("H5Lget_info", at: location) { H5Lget_info(id, path, &link, couplet_H5P_DEFAULT()) }
            if link.type == H5L_TYPE_HARD {
                group = path
                continue
            }
            var value = [CChar](repeating: 0, count: Int(link.u.val_size) + 1)
            try HDF5Library.call("H5Lget_val", at: location) {
                H5Lget_val(id, path, &value, value.count, couplet_H5P_DEFAULT())
            }
            guard link.type == H5L_TYPE_SOFT else {
                // An external link is a byte of flags, the name of the file, and the path in it.
                let names = value.dropFirst().map { UInt8(bitPattern: $0) }.split(separator: 0)
                return names.prefix(2).map { String(decoding: $0, as: UTF8.self) }.joined(separator: ":")
            }
            // HDF5 itself follows at most 16 links.
            softLinks += 1
            if softLinks > 32 { return nil }
            let target = String(decoding: value.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if target.hasPrefix("/") { group = "" }
            components = target.split(separator: "/").map(String.init)[...] + components
        }
        return nil
    }
}
