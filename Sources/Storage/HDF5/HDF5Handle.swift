import CHDF5

/// Owns one HDF5 identifier (a dataset, dataspace, datatype, property list, …) and closes it at the end of its life.
struct HDF5Handle: ~Copyable {
    let id: hid_t
    private let closeFunction: @convention(c) (hid_t) -> herr_t

    /// Owns what `open` returns, once that is known to be valid.
    /// - Throws: `FileError` where it is not.
    init(
        _ function: StaticString, at place: @autoclosure () -> String, closedBy close: @convention(c) (hid_t) -> herr_t,
        _ open: () -> hid_t
    ) throws {
        id = try HDF5Library.call(function, at: place(), open)
        closeFunction = close
    }

    deinit {
        let (id, close) = (id, closeFunction)
        HDF5Library.quietly { close(id) }
    }

    /// Closes now and says whether that worked: closing what was written may be what writes it.
    consuming func close(_ function: StaticString, at place: @autoclosure () -> String) throws {
        let (id, close) = (id, closeFunction)
        discard self
        try HDF5Library.call(function, at: place()) { close(id) }
    }
}
