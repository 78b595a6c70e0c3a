import Foundation
import TestSupport
import Testing

extension ProcessTests {
    /// `couplet train --profile` writes a trace in the format of Chrome and Perfetto.
    @Suite(.serialized) struct ProfileTests {
        private struct Event {
            let name: String, process: Int, worker: Int, step: Int
            /// Microseconds.
            let start: Double, end: Double
        }

        /// Reads a trace, and checks what the format requires.
        private func trace(_ path: String) throws -> (events: [Event], names: [String: String]) {
            let text = try String(contentsOfFile: path, encoding: .utf8)
            let entries = try #require(try jsonObject(text)["traceEvents"] as? [[String: Any]])
            var events: [Event] = [], names: [String: String] = [:]
            for entry in entries {
                let name = try #require(entry["name"] as? String)
                let process = try #require(entry["pid"] as? Int), worker = try #require(entry["tid"] as? Int)
                let arguments = try #require(entry["args"] as? [String: Any])
                switch entry["ph"] as? String {
                case "M":
                    if name == "process_name" { names["process \(process)"] = arguments["name"] as? String }
                    if name == "thread_name" { names["worker \(worker)"] = arguments["name"] as? String }
                case "X":
                    let start = try #require(entry["ts"] as? Double), length = try #require(entry["dur"] as? Double)
                    #expect(start >= 0 && length >= 0)
                    events.append(
                        Event(
                            name: name, process: process, worker: worker,
                            step: try #require(arguments["step"] as? Int), start: start, end: start + length))
                default: Issue.record("the phase \(entry["ph"] ?? "")")
                }
            }
            return (events, names)
        }

        /// Events of a worker lie within each other or apart.
        private func expectNesting(_ events: [Event]) {
            // Nanoseconds are exact in microseconds but for the rounding of a Double.
            let rounding = 1e-4
            var open: [Event] = []
            for event in events {
                while let last = open.last, last.end <= event.start + rounding { open.removeLast() }
                if let last = open.last { #expect(event.end <= last.end + rounding, "\(event) in \(last)") }
                open.append(event)
            }
        }

        private static let phases = [
            "read the batch", "forward", "loss", "backward", "gradient sum", "gradient norm", "optimizer",
        ]

        @Test(arguments: [1, 2]) func phasesOfEveryWorkerNestWithinTheSteps(ranks: Int) throws {
            if ranks > 1, !BackgroundJob.hasMPI { return }
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 40))
            let settings = ["--set", "train.evaluate_every=15", "--threads", "2"], file = folder.path("trace.json")
            let digest = try folder.digest("plain", settings, ranks: ranks)
            #expect(
                try folder.digest("profiled", settings + ["--profile", file, "--profile-steps", "12"], ranks: ranks)
                    == digest)
            let (events, names) = try trace(file)
            #expect(Set(events.map(\.process)) == Set(0..<ranks))
            #expect(Set(events.map(\.worker)) == Set(0..<2 * ranks))
            #expect(names.count == 3 * ranks && names["process 0"]?.hasPrefix("rank 0 on ") == true)
            for worker in 0..<2 * ranks {
                let own = events.filter { $0.worker == worker }
                #expect(Set(own.map(\.process)) == [worker / 2])
                expectNesting(own)
                // After a warm-up of ten steps.
                let steps = own.filter { $0.name.hasPrefix("step ") }
                #expect(steps.map(\.name) == (11...22).map { "step \($0)" })
                for step in steps {
                    let inner = own.filter { $0.step == step.step && Self.phases.contains($0.name) }
                    #expect(inner.map(\.name) == Self.phases)
                    let sum = inner.reduce(0) { $0 + $1.end - $1.start }
                    #expect(sum <= step.end - step.start + 1e-3 && sum >= 0.5 * (step.end - step.start))
                    // Both passes of a softmax loss.
                    #expect(own.count { $0.step == step.step && $0.name == "pass over the scores" } == 2)
                }
                #expect(own.filter { $0.name == "evaluation" }.map(\.step) == [15])
                #expect(own.filter { $0.name == "checkpoint" }.map(\.step) == [15, 20])
            }
            // No worker finishes the gradient norm of a step before all have begun the step: the clocks agree.
            for step in 11...22 {
                let begin = events.filter { $0.name == "step \(step)" }.map(\.start).max() ?? .infinity
                let norms = events.filter { $0.step == step && $0.name == "gradient norm" }.map(\.end)
                #expect(norms.allSatisfy { $0 >= begin })
            }
        }

        @Test func aShortRunIsProfiledFromItsFirstStep() throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 4)), file = folder.path("trace.json")
            _ = try folder.digest("run", ["--profile", file])
            let events = try trace(file).events
            #expect(Set(events.filter { $0.name.hasPrefix("step ") }.map(\.name)) == Set((1...4).map { "step \($0)" }))
        }

        @Test func aFileThatCannotBeWrittenIsRefusedBeforeTheRunBegins() throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 4))
            for path in ["\(folder.files.path)/none/trace.json", folder.files.path, "/dev/full"] {
                let job = try folder.start("run", ["--profile", path])
                #expect(job.end(within: 20) == 74)
                #expect(job.errors.contains(path), "\(job.errors)")
                #expect(!folder.files.exists("run"))
            }
            let lone = try CoupletInvocation("train", folder.config, "--profile-steps", "3")
            #expect(lone.exitCode == 64 && lone.errors.contains("--profile"))
        }
    }
}
