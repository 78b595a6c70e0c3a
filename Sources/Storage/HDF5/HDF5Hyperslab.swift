import CHDF5

/// A range of rows of a dataset (an HDF5 hyperslab), and the memory it fills without gaps.
struct HDF5Hyperslab: ~Copyable {
    let fileSpace: HDF5Handle
    let memorySpace: HDF5Handle

    init(of dataset: borrowing HDF5Handle, rows: Range<Int>, shape: [Int], _ place: String) throws {
        let datasetID = dataset.id
        var start = [hsize_t](repeating: 0, count: shape.count)
        var extents = shape.map { hsize_t($0) }
        start[0] = hsize_t(rows.lowerBound)
        extents[0] = hsize_t(rows.count)
        let selected = try HDF5Handle("H5Dget_space", at: place, closedBy: H5Sclose) { H5Dget_space(datasetID) }
        // Of the same rank as the file's: only then does HDF5 copy without walking both element by element.
        let filled = try HDF5Handle("H5Screate_simple", at: place, closedBy: H5Sclose) {
            H5Screate_simple(CInt(shape.count), extents, nil)
        }
        let spaceID = selected.id
        try HDF5Library.call("H5Sselect_hyperslab", at: place) {
            H5Sselect_hyperslab(spaceID, H5S_SELECT_SET, start, nil, extents, nil)
        }
        fileSpace = selected
        memorySpace = filled
    }
}
