using System.Runtime.InteropServices;
using PoolHub.Benchmarks.Children;
using PoolHub.Benchmarks.Harness;
using PoolHub.Benchmarks.Heartbeats;
using PoolHub.Benchmarks.Http;
using PoolHub.Benchmarks.Matching;
using PoolHub.Benchmarks.Memory;
using PoolHub.Benchmarks.Peers;
using PoolHub.Benchmarks.Storage;

const int Missed = 1;
const int BadUsage = 2;

switch (args)
{
    case [LoadChild.Name, ..]:
        return LoadChild.Run(args[1..]);
    case [HeartbeatChild.Name, ..]:
        return await HeartbeatChild.RunAsync(args[1..]);
}
if (!BenchOptions.TryParse(args, out BenchOptions? options, out string? problem))
{
    await Console.Error.WriteLineAsync($"bench: {problem}; ./bench --help names the options");
    return BadUsage;
}
Scenario[] scenarios =
[
    new MatchScenario(10_000),
    new MatchScenario(100_000),
    new ReferenceScenario(),
    new WritesScenario(100_000),
    new MatchScenario(1_000_000),
    new WritesScenario(1_000_000),
    new RebuildScenario(),
    new HttpScenario(),
    new MemoryScenario(),
    new HeartbeatScenario(1),
    new HeartbeatScenario(1_000),
    new FeedbackScenario(),
    new StatusScenario(),
    new PeerScenario(10_000),
    new PeerScenario(100_000),
];
try
{
    Dictionary<string, Budget> budgets = Budgets.Read(options.BudgetsPath, scenarios.SelectMany(s => s.Rows));
    var bench = new Bench(options, budgets, Console.Error);
    // What was started is stopped and tidied up first.
    using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    return await bench.RunAsync(scenarios, Console.Out) ? 0 : Missed;

    void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true;
        bench.Stop();
    }
}
catch (Exception e) when (e is InvalidDataException or IOException)
{
    await Console.Error.WriteLineAsync($"bench: {e.Message}");
    return BadUsage;
}
