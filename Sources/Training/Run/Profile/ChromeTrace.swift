import CoupletText

/// A profile in the Trace Event Format of Chrome, which Perfetto reads as well: a process for each rank, a thread for
/// each worker, and a complete event ("ph": "X") for each phase, with its start and length in microseconds.
struct ChromeTrace {
    let json: JSONValue

    /// - Parameter traces: those of all workers, worker 0 first.
    init(_ traces: [WorkerTrace]) {
        let offsets = traces.map { $0.clockOffset(from: traces[0]) }
        let begin = zip(traces, offsets).flatMap { trace, offset in trace.spans.map { $0.start - offset } }.min() ?? 0
        var events: [JSONValue] = []
        func name(_ kind: String, _ trace: WorkerTrace, _ argument: (String, JSONValue)) {
            events.append(
                .object([
                    ("name", .string(kind)), ("ph", .string("M")), ("pid", .integer(trace.process)),
                    ("tid", .integer(trace.worker)), ("args", .object([argument])),
                ]))
        }
        var named: Set<Int> = []
        for trace in traces {
            if named.insert(trace.process).inserted {
                name("process_name", trace, ("name", .string("rank \(trace.process) on \(trace.host)")))
                name("process_sort_index", trace, ("sort_index", .integer(trace.process)))
            }
            name("thread_name", trace, ("name", .string("worker \(trace.worker)")))
            name("thread_sort_index", trace, ("sort_index", .integer(trace.worker)))
        }
        for (trace, offset) in zip(traces, offsets) {
            // A phase comes before those within it.
            for span in trace.spans.sorted(by: { ($0.start, -$0.end) < ($1.start, -$1.end) }) {
                events.append(
                    .object([
                        "name": .string(span.phase == .step ? "step \(span.step)" : span.phase.name),
                        "cat": .string("training"), "ph": .string("X"),
                        "ts": .number(Double(span.start - offset - begin) / 1_000),
                        "dur": .number(Double(span.end - span.start) / 1_000), "pid": .integer(trace.process),
                        "tid": .integer(trace.worker), "args": .object(["step": .integer(span.step)]),
                    ]))
            }
        }
        json = .object([
            "traceEvents": .array(events), "displayTimeUnit": .string("ms"),
            "otherData": .object(["program": .string(Version.program)]),
        ])
    }
}
