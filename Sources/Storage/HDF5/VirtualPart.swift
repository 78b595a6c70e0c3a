import CHDF5
import CoupletFiles
import Glibc

/// A part of a virtual dataset: rows that are those of a dataset in this or another file.
struct VirtualPart {
    /// The name of the source's file as the virtual dataset has it; "." for its own file.
    let file: String
    let dataset: String
    private let list: hid_t
    private let index: Int

    /// The parts of a virtual dataset.
    /// - Parameter list: the dataset's creation property list, which must live as long as the parts.
    static func all(of list: borrowing HDF5Handle, at location: String) throws -> [VirtualPart] {
        let listID = list.id
        var count = 0
        try HDF5Library.call("H5Pget_virtual_count", at: location) { H5Pget_virtual_count(listID, &count) }
        return try (0..<count).map { index in
            func text(_ name: StaticString, _ get: (UnsafeMutablePointer<CChar>?, Int) -> Int) throws -> String {
                let length = try HDF5Library.call(name, at: location) { get(nil, 0) }
                var buffer = [CChar](repeating: 0, count: length + 1)
                try HDF5Library.call(name, at: location) { get(&buffer, length + 1) }
                return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            }
            let part = VirtualPart(
                file: try text("H5Pget_virtual_filename") { H5Pget_virtual_filename(listID, index, $0, $1) },
                dataset: try text("H5Pget_virtual_dsetname") { H5Pget_virtual_dsetname(listID, index, $0, $1) },
                list: listID, index: index)
            if [part.file, part.dataset].contains(where: { $0.replacing("%%", with: "").contains("%b") }) {
                throw FileError(
                    .badData, at: location,
                    reason: "names its parts by a pattern, \(part.file):\(part.dataset), so that a part that is "
                        + "missing cannot be told from the end of the data",
                    remedy: "write a virtual dataset that names each part")
            }
            return part
        }
    }

    // MARK: - The source's file

    /// Opens the file of the source, where HDF5 looks for it.
    /// - Parameters:
    ///   - file: the file of the virtual dataset.
    ///   - users: open files, which are not opened again.
    func open(for file: HDF5File, users: [HDF5File]) throws -> HDF5File {
        if self.file == "." { return file }
        let places = places(for: file)
        guard let place = places.first(where: FileSystem.exists) else {
            throw FileError(
                .inputOutput, at: places[0], reason: "does not exist",
                remedy: "bring the part back to that place, or write the data into one file")
        }
        var status = stat()
        try SystemCall.check("stat", place) { stat(place, &status) }
        for user in users {
            var other = stat()
            guard stat(user.path, &other) == 0, other.st_dev == status.st_dev, other.st_ino == status.st_ino else {
                continue
            }
            if user.isWritable {
                throw FileError(
                    .badData, at: place, reason: "is open for writing, so HDF5 cannot read it as a part as well",
                    remedy: "write to another file")
            }
            return user
        }
        return try HDF5File(reading: place)
    }

    /// Whether the file of the source exists.
    func hasFile(for user: HDF5File) -> Bool { file == "." || places(for: user).contains(where: FileSystem.exists) }

    /// The paths at which HDF5 looks for the file, in its order.
    private func places(for user: HDF5File) -> [String] {
        let folder = FileSystem.folder(of: user.path)
        if file.hasPrefix("/") { return [file, "\(folder)/\(FileSystem.lastComponent(of: file))"] }
        let prefixes =
            getenv("HDF5_VDS_PREFIX").map { String(cString: $0).split(separator: ":").map(String.init) } ?? []
        var places = prefixes.map { "\($0.replacing("${ORIGIN}", with: folder))/\(file)" }
        places += [folder == "." ? file : "\(folder)/\(file)", file]
        if let resolved = realpath(user.path, nil) {
            places.append("\(FileSystem.folder(of: String(cString: resolved)))/\(file)")
            free(resolved)
        }
        return places
    }

    // MARK: - Selections

    /// The selection in the virtual dataset; nil if it is empty.
    func selection(at location: String) throws -> VirtualSelection? {
        let space = try HDF5Handle("H5Pget_virtual_vspace", at: location, closedBy: H5Sclose) {
            H5Pget_virtual_vspace(list, index)
        }
        return try VirtualSelection(space, at: location)
    }

    private func sourceSelection(at location: String) throws -> VirtualSelection? {
        let space = try HDF5Handle("H5Pget_virtual_srcspace", at: location, closedBy: H5Sclose) {
            H5Pget_virtual_srcspace(list, index)
        }
        return try VirtualSelection(space, at: location)
    }

    /// The rows, first and last, that the part takes from its source.
    /// - Throws: `FileError(.badData)` if the source does not have them.
    func sourceRows(
        of source: DatasetDescription, for target: VirtualSelection, at location: String
    ) throws -> ClosedRange<Int> {
        let all = 0...max(0, source.rows - 1)
        guard let selection = try sourceSelection(at: location) else { return all }
        func refuse(_ needed: String) -> FileError {
            FileError(
                .badData, at: location, reason: "has the shape \(source.shape), but \(needed)",
                remedy: "write the part again, or make the shape of the virtual dataset that of its parts")
        }
        if selection.isWhole {
            // The file does not say which shape the whole source has.
            if let wanted = target.elements, wanted != source.count { throw refuse("\(wanted) numbers are needed") }
            return all
        }
        guard let bounds = selection.bounds else { return all }
        guard bounds.end.count == source.shape.count, zip(bounds.end, source.shape).allSatisfy({ $0 < $1 }) else {
            throw refuse("at least \(bounds.end.map { $0 + 1 }) is needed")
        }
        return bounds.start[0]...bounds.end[0]
    }

    /// The number of slices of the source along the axis without a limit; nil if the part has no such axis.
    func slices(of source: DatasetDescription, at location: String) throws -> Int? {
        try sourceSelection(at: location)?.slices(in: source.shape)
    }
}

/// The selected elements of a dataspace of a virtual dataset or of its source.
struct VirtualSelection {
    /// A regular hyperslab: `count` blocks of `block` elements, `stride` apart, from `start` on, along each axis.
    private struct Slab {
        var start: [hsize_t], stride: [hsize_t], count: [hsize_t], block: [hsize_t]
    }

    private let slabs: [Slab]
    /// The axis along which the selection is as long as the dataset; nil if there is none.
    private let unlimitedAxis: Int?
    let isWhole: Bool
    /// The number of selected elements; nil without a limit.
    let elements: Int?
    /// The first and the last selected index along each axis; nil without a limit, and if everything is selected.
    let bounds: (start: [Int], end: [Int])?

    /// Nil if nothing is selected.
    init?(_ space: borrowing HDF5Handle, at location: String) throws {
        let spaceID = space.id
        let rank = Int(HDF5Library.quietly { H5Sget_simple_extent_ndims(spaceID) })
        let type = HDF5Library.quietly { H5Sget_select_type(spaceID) }
        if type == H5S_SEL_NONE { return nil }
        guard type == H5S_SEL_HYPERSLABS || type == H5S_SEL_POINTS, rank > 0 else {
            (slabs, unlimitedAxis, isWhole, bounds) = ([], nil, true, nil)
            elements = Int(clamping: HDF5Library.quietly { H5Sget_simple_extent_npoints(spaceID) })
            return
        }
        isWhole = false
        let zeros = [hsize_t](repeating: 0, count: rank)
        var slab = Slab(start: zeros, stride: zeros, count: zeros, block: zeros)
        if type == H5S_SEL_HYPERSLABS, HDF5Library.quietly({ H5Sis_regular_hyperslab(spaceID) }) > 0 {
            try HDF5Library.call("H5Sget_regular_hyperslab", at: location) {
                H5Sget_regular_hyperslab(spaceID, &slab.start, &slab.stride, &slab.count, &slab.block)
            }
            let unlimited = couplet_H5S_UNLIMITED()
            unlimitedAxis = (0..<rank).first { slab.count[$0] == unlimited || slab.block[$0] == unlimited }
            if let axis = unlimitedAxis, slab.block[axis] == unlimited {
                (slab.stride[axis], slab.block[axis], slab.count[axis]) = (1, 1, unlimited)
            }
            slabs = [slab]
        } else {
            unlimitedAxis = nil
            let isPoints = type == H5S_SEL_POINTS
            let count = HDF5Library.quietly {
                isPoints ? H5Sget_select_elem_npoints(spaceID) : H5Sget_select_hyper_nblocks(spaceID)
            }
            guard (0...1_000_000).contains(count) else {
                throw FileError(.badData, at: location, reason: "a part of the virtual dataset has \(count) pieces")
            }
            var numbers = [hsize_t](repeating: 0, count: Int(count) * rank * (isPoints ? 1 : 2))
            try HDF5Library.call("H5Sget_select_hyper_blocklist", at: location) {
                isPoints
                    ? H5Sget_select_elem_pointlist(spaceID, 0, hsize_t(count), &numbers)
                    : H5Sget_select_hyper_blocklist(spaceID, 0, hsize_t(count), &numbers)
            }
            let ones = [hsize_t](repeating: 1, count: rank)
            let step = rank * (isPoints ? 1 : 2)
            slabs = (0..<Int(count)).map { number in
                let start = Array(numbers[number * step..<number * step + rank])
                let end = isPoints ? start : Array(numbers[number * step + rank..<number * step + 2 * rank])
                return Slab(start: start, stride: ones, count: ones, block: zip(start, end).map { $1 - $0 + 1 })
            }
        }
        if unlimitedAxis != nil {
            (bounds, elements) = (nil, nil)
            return
        }
        elements = Int(clamping: HDF5Library.quietly { H5Sget_select_npoints(spaceID) })
        var (first, last) = (zeros, zeros)
        try HDF5Library.call("H5Sget_select_bounds", at: location) { H5Sget_select_bounds(spaceID, &first, &last) }
        bounds = (first.map { Int(clamping: $0) }, last.map { Int(clamping: $0) })
    }

    /// The first and last row.
    func rows(of dataset: DatasetDescription) -> ClosedRange<Int> {
        let last = max(0, dataset.rows - 1)
        guard let bounds, let first = bounds.start.first else { return 0...last }
        return min(first, last)...min(max(first, bounds.end[0]), last)
    }

    /// The number of selected slices along the axis without a limit, in a dataset of this shape; nil without one.
    func slices(in shape: [Int]) -> Int? {
        guard let axis = unlimitedAxis, let slab = slabs.first, axis < shape.count else { return nil }
        let (start, stride) = (Int(clamping: slab.start[axis]), max(1, Int(clamping: slab.stride[axis])))
        let block = Int(clamping: slab.block[axis])
        if shape[axis] <= start { return 0 }
        let length = shape[axis] - start
        return length / stride * block + min(length % stride, block)
    }

    /// Removes these elements from the selection of a dataspace of the same rank.
    /// - Parameter sourceSlices: the slices that the source has along the axis without a limit; nil for all.
    func remove(from space: borrowing HDF5Handle, sourceSlices: Int?, at location: String) throws {
        let spaceID = space.id
        if isWhole {
            try HDF5Library.call("H5Sselect_none", at: location) { H5Sselect_none(spaceID) }
            return
        }
        func remove(_ slab: Slab) throws {
            // The function fails on a space of which nothing is selected.
            if slab.count.contains(0) || HDF5Library.quietly({ H5Sget_select_npoints(spaceID) }) <= 0 { return }
            try HDF5Library.call("H5Sselect_hyperslab", at: location) {
                H5Sselect_hyperslab(spaceID, H5S_SELECT_NOTB, slab.start, slab.stride, slab.count, slab.block)
            }
        }
        guard let axis = unlimitedAxis, var slab = slabs.first else {
            for slab in slabs { try remove(slab) }
            return
        }
        var extents = [hsize_t](repeating: 0, count: slab.start.count)
        HDF5Library.quietly { H5Sget_simple_extent_dims(spaceID, &extents, nil) }
        let available = slices(in: extents.map { Int(clamping: $0) }) ?? 0
        let count = hsize_t(min(available, sourceSlices ?? available)), block = max(1, slab.block[axis])
        slab.count[axis] = count / block
        try remove(slab)
        if count % block > 0 {
            slab.start[axis] += count / block * slab.stride[axis]
            (slab.stride[axis], slab.count[axis], slab.block[axis]) = (1, 1, count % block)
            slab.stride[axis] = slab.block[axis]
            try remove(slab)
        }
    }
}

extension HDF5File {
    /// Checks that a virtual dataset does not take its own rows, directly or through others: HDF5 would call itself
    /// until its stack is full.
    /// - Throws: `FileError(.badData)`.
    func requireAcyclic(_ name: String) throws {
        let absolute = Self.absolute(name)
        if acyclicDatasets.withLock({ $0.contains(absolute) }) { return }
        var finished: Set<StoredRowsCheck.Node> = []
        do {
            try walkSources(absolute, users: [], open: [], finished: &finished)
        } catch let error as FileError {
            let location = location(of: name)
            if error.location == location { throw error }
            throw FileError(
                error.kind, at: location, reason: "has the part \(error.location): \(error.reason)",
                remedy: error.remedy)
        }
        try requireDescriptors(Set(finished.map { [UInt64($0.device), UInt64($0.inode)] }).count, name)
        _ = acyclicDatasets.withLock { $0.insert(absolute) }
    }

    /// Makes sure that all sources of a virtual dataset can be open at once. HDF5 keeps them open, and takes those that
    /// it cannot open for missing.
    private func requireDescriptors(_ count: Int, _ name: String) throws {
        // For the files of a run, and a second virtual dataset of as many parts.
        let wanted = rlim_t(2 * count + 128)
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < wanted else {
            return
        }
        var raised = limit
        raised.rlim_cur = min(wanted, limit.rlim_max)
        let isRaised = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0
        let open = (try? FileSystem.entries(of: "/proc/self/fd").count) ?? 64
        if (isRaised ? raised : limit).rlim_cur < rlim_t(count + open + 8) {
            throw FileError(
                .inputOutput, at: location(of: name),
                reason: "its parts are \(count) files, but this process may have \(limit.rlim_max) open",
                remedy: "raise the limit of open files (ulimit -n), or write the data into fewer files")
        }
    }

    /// The deepest nesting of virtual datasets.
    private static let largestDepth = 16

    private func walkSources(
        _ name: String, users: [HDF5File], open nodes: [StoredRowsCheck.Node],
        finished: inout Set<StoredRowsCheck.Node>
    ) throws {
        let node = try StoredRowsCheck.Node(self, name)
        let location = location(of: name)
        if nodes.contains(node) {
            throw FileError(
                .badData, at: location, reason: "is a virtual dataset that takes its rows from itself",
                remedy: "name the file and the dataset that hold the numbers")
        }
        if finished.contains(node) { return }
        guard nodes.count < Self.largestDepth else {
            throw FileError(
                .badData, at: location, reason: "is a virtual dataset of more than \(Self.largestDepth) levels",
                remedy: "name the files that hold the numbers")
        }
        let dataset = try open(dataset: name)
        let datasetID = dataset.id
        let list = try HDF5Handle("H5Dget_create_plist", at: location, closedBy: H5Pclose) {
            H5Dget_create_plist(datasetID)
        }
        let listID = list.id
        if HDF5Library.quietly({ H5Pget_layout(listID) }) == H5D_VIRTUAL {
            for part in try VirtualPart.all(of: list, at: location) {
                // What is missing is told with its rows, when they are checked.
                guard part.hasFile(for: self) else { continue }
                let source = try part.open(for: self, users: users + [self])
                guard try source.kind(of: part.dataset) == H5I_DATASET else { continue }
                try source.walkSources(
                    Self.absolute(part.dataset), users: users + [self], open: nodes + [node], finished: &finished)
            }
        }
        finished.insert(node)
    }
}
