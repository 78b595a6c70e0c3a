#if arch(x86_64)
    import CCoupletKernels
    import CoupletTensors
    import Testing

    @_silgen_name("couplet_search_block_portable") private func portableSearch(
        _: UnsafePointer<couplet_search_queries>, _: Int, _: UnsafePointer<Float>, _: UnsafePointer<Float>, _: Int64,
        _: UnsafePointer<couplet_search_top_k>, _: UnsafeMutablePointer<Double>, _: UnsafeMutablePointer<Double>,
        _: UnsafeMutablePointer<Double>)
    @_silgen_name("couplet_search_block_avx2") private func avx2Search(
        _: UnsafePointer<couplet_search_queries>, _: Int, _: UnsafePointer<Float>, _: UnsafePointer<Float>, _: Int64,
        _: UnsafePointer<couplet_search_top_k>, _: UnsafeMutablePointer<Double>, _: UnsafeMutablePointer<Double>,
        _: UnsafeMutablePointer<Double>)

    /// The search kernel of every instruction set gives the normalizers and candidates of the set in use, bit for bit.
    @Suite(.enabled(if: InstructionSet.available.contains(.avx2))) struct SearchBitsTests {
        private typealias Kernel = (
            UnsafePointer<couplet_search_queries>, Int, UnsafePointer<Float>, UnsafePointer<Float>, Int64,
            UnsafePointer<couplet_search_top_k>, UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>,
            UnsafeMutablePointer<Double>
        ) -> Void

        /// Searches two blocks; the second one has other scores by some hundred powers of two.
        private static func results(_ kernel: Kernel, dimension: Int, rows: Int, queries count: Int) -> [[Double]] {
            let philox = Philox(seed: 5), width = Int(COUPLET_SEARCH_WIDTH), capacity = 7
            var gallery = philox.normals(2 * rows * dimension, .evaluation, number: 1)
            for i in (rows * dimension)..<gallery.count { gallery[i] *= 40 }
            var queries = philox.normals(count * dimension, .evaluation, number: 2)
            var factors = [Double](repeating: 3, count: count)
            // Every seventh row is excluded.
            var offsets = (0..<rows).map { $0 % 7 == 3 ? COUPLET_EXCLUDED : Float($0 % 3) }
            var panel = [Float](repeating: 0, count: width * dimension)
            couplet_search_pack(count, dimension, queries, factors, &panel)
            var counts = [Int](repeating: 0, count: count), scores = [Float](repeating: 0, count: count * capacity)
            var numbers = [Int64](repeating: 0, count: count * capacity)
            var similarities = [Double](repeating: 0, count: count * capacity)
            var exponents = [Double](repeating: Double(COUPLET_EMPTY), count: count), sums = exponents
            var squares = exponents, normalizers: [Double] = []
            counts.withUnsafeMutableBufferPointer { counts in
                scores.withUnsafeMutableBufferPointer { scores in
                    numbers.withUnsafeMutableBufferPointer { numbers in
                        similarities.withUnsafeMutableBufferPointer { similarities in
                            queries.withUnsafeMutableBufferPointer { queries in
                                factors.withUnsafeMutableBufferPointer { factors in
                                    panel.withUnsafeMutableBufferPointer { panel in
                                        var top = couplet_search_top_k(
                                            capacity: capacity, count: counts.baseAddress, score: scores.baseAddress,
                                            row: numbers.baseAddress, similarity: similarities.baseAddress)
                                        var packed = couplet_search_queries(
                                            panel: panel.baseAddress, rows: queries.baseAddress,
                                            factors: factors.baseAddress, count: count, dimension: dimension,
                                            similarity: couplet_search_product)
                                        for block in 0..<2 {
                                            let start = block * rows
                                            gallery.withUnsafeMutableBufferPointer { gallery in
                                                kernel(
                                                    &packed, rows, gallery.baseAddress! + start * dimension, &offsets,
                                                    Int64(start), &top, &exponents, &sums, &squares)
                                            }
                                            normalizers += exponents + sums + squares
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
            return [normalizers, scores.map(Double.init), numbers.map(Double.init), similarities]
        }

        @Test(arguments: [(1, 1, 1), (5, 13, 9), (20, 250, 48), (33, 101, 30)])
        func instructionSetsAgree(_ size: (dimension: Int, rows: Int, queries: Int)) {
            func results(_ kernel: Kernel) -> [[Double]] {
                Self.results(kernel, dimension: size.dimension, rows: size.rows, queries: size.queries)
            }
            let expected = results { couplet_search_block($0, $1, $2, $3, $4, $5, $6, $7, $8) }
            #expect(results(portableSearch) == expected)
            #expect(results(avx2Search) == expected)
        }
    }
#endif
