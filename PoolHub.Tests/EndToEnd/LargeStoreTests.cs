using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using PoolHub.Daemon.Storage;
using PoolHub.Daemon.Storage.Postgres;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.EndToEnd;

/// <summary>Stores with as many miners as a large fleet has: started, and moved.</summary>
[Collection<Alone>]
public sealed class LargeStoreTests
{
    private const int ReadyMs = 2_000;

    private static readonly DateTimeOffset s_begin = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static bool IsFull => Environment.GetEnvironmentVariable("POOLHUB_TEST_FULL") is not null;

    private static int Miners => IsFull ? 100_000 : 20_000;

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task Hub_is_ready_soon_and_its_first_match_sees_those_within_their_grace(string kind)
    {
        string dsn = kind == "postgres" ? await (await PostgresServer.SharedAsync()).CreateDatabaseAsync() : "";
        await using HubProcess hub = HubProcess.Prepare(("DB_DSN", dsn), ("HEARTBEAT_GRACE_SEC", "3600"));
        await using (IHubStore store = await OpenAsync(hub, dsn))
        {
            _ = await ((IStoreArchive)store).ImportAsync(
                Enumerable.Range(0, Miners).Select(Make).Chunk(5_000).Select(miners => new ArchiveBatch(miners, [], [])));
        }
        var started = Stopwatch.StartNew();
        await hub.RestartAsync();
        double readyMs = started.Elapsed.TotalMilliseconds;
        double cpuMs = hub.Process.ProcessorTime.TotalMilliseconds;
        MatchResponse match = await hub.MatchAsync();
        TestContext.Current.TestOutputHelper?.WriteLine($"{kind}: {Miners} miners, ready after {readyMs:0} ms, of which {cpuMs:0} ms at work");
        // Every other one was seen within the grace.
        Assert.Equal(Miners / 2, match.Clauses.Single(c => c.Clause == "online").Left);
        Assert.True(cpuMs <= ReadyMs, $"ready after {cpuMs:0} ms at work");
        Assert.True(readyMs <= ReadyMs, $"ready after {readyMs:0} ms");
    }

    [Fact]
    public async Task Store_moves_to_PostgreSQL_and_back_and_is_the_same()
    {
        string dsn = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        await using HubProcess hub = await HubProcess.StartAsync(("FLAP_LIMIT_PER_MIN", "0"));
        var ledger = new Ledger(hub, "x");
        foreach (int i in Enumerable.Range(0, 20))
        {
            Assert.True(await ledger.RegisterAsync($"x-{i}", i));
            Assert.True(await ledger.ReportAsync($"x-job-{i}", $"x-{i}"));
        }
        _ = await hub.Admin.IssueKeyAsync("x-new", TestContext.Current.CancellationToken);
        _ = await hub.Admin.SetPriceAsync("x-1", new PriceRequest { PriceTokenPerKsec = Samples.Tokens(9) }, TestContext.Current.CancellationToken);
        AuditPage audit = await hub.Admin.ListAuditAsync(limit: 100, cancel: TestContext.Current.CancellationToken);
        Assert.Equal(0, await hub.StopAsync());
        string first = Path.Combine(hub.StateDir, "first.jsonl");
        string second = Path.Combine(hub.StateDir, "second.jsonl");
        Assert.Contains("exported 21 miners, 20 reports of feedback and 22 audit entries", await StoreAsync(hub, 0, "export", first), StringComparison.Ordinal);
        Assert.Contains("exists", await StoreAsync(hub, 1, "export", first), StringComparison.Ordinal);
        Assert.Contains("not empty", await StoreAsync(hub, 1, "import", first), StringComparison.Ordinal);

        hub.Set(("DB_DSN", dsn));
        Assert.Contains("imported 21 miners, 20 reports of feedback and 22 audit entries", await StoreAsync(hub, 0, "import", first), StringComparison.Ordinal);
        await hub.RestartAsync();
        await new StoreUnderTest(dsn, hub.StateDir).AssertHoldsAsync(ledger, "x");
        Assert.Equal("duplicate", (await hub.ReportAsync("x-job-1", "x-1", "completed")).Status);
        Assert.Equal(9, (await hub.MinerAsync("x-1")).PriceOverride!.PriceTokenPerKsec.Tokens);
        Assert.True(await ledger.RegisterAsync("x-1", 1));
        Assert.Equal(0, await hub.StopAsync());

        Assert.Contains("exported 21 miners, 20 reports of feedback and 22 audit entries", await StoreAsync(hub, 0, "export", second), StringComparison.Ordinal);
        File.Delete(Path.Combine(hub.StateDir, "poolhub.db"));
        hub.Set(("DB_DSN", ""));
        await File.WriteAllLinesAsync(first, (await File.ReadAllLinesAsync(second, TestContext.Current.CancellationToken))[..^1], TestContext.Current.CancellationToken);
        Assert.Contains("it was cut off. Nothing was imported", await StoreAsync(hub, 1, "import", first), StringComparison.Ordinal);
        Assert.Contains("imported 21 miners, 20 reports of feedback and 22 audit entries", await StoreAsync(hub, 0, "import", second), StringComparison.Ordinal);
        await hub.RestartAsync();
        await StoreUnderTest.Of(hub).AssertHoldsAsync(ledger, "x");
        Assert.Equal(audit.Entries, (await hub.Admin.ListAuditAsync(limit: 100, cancel: TestContext.Current.CancellationToken)).Entries);
    }

    /// <summary>More of each kind than what is written together.</summary>
    [Fact]
    public async Task Store_of_many_batches_moves_there_and_back_with_a_bar()
    {
        const int Many = 4_500;
        string dsn = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        await using HubProcess hub = HubProcess.Prepare();
        await using (IHubStore store = await OpenAsync(hub, ""))
        {
            _ = await ((IStoreArchive)store).ImportAsync([new ArchiveBatch(
                [.. Enumerable.Range(0, Many).Select(Make)],
                [.. Enumerable.Range(0, Many).Select(i => new StoredFeedback(
                    $"job-{i}", $"rig-{i % 100:000000}", "failed", i, "bad_input", new TokenPrice(i), s_begin.AddMilliseconds(i)))],
                [.. Enumerable.Range(0, Many).Select(i => AuditEntry.Claim($"rig-{i:000000}", s_begin.AddMilliseconds(i)))])]);
        }
        string first = Path.Combine(hub.StateDir, "first.jsonl");
        string second = Path.Combine(hub.StateDir, "second.jsonl");
        string third = Path.Combine(hub.StateDir, "third.jsonl");
        await AssertBarAsync(hub, "export", first);
        hub.Set(("DB_DSN", dsn));
        await AssertBarAsync(hub, "import", first);
        await AssertBatchesAsync(hub, "export", second);
        hub.Set(("DB_DSN", ""));
        File.Delete(Path.Combine(hub.StateDir, "poolhub.db"));
        await AssertBatchesAsync(hub, "import", second);
        _ = await StoreAsync(hub, 0, "export", third);
        string[] lines = await SortedAsync(first);
        Assert.Equal((3 * Many) + 2, lines.Length);
        Assert.Equal(lines, await SortedAsync(second));
        Assert.Equal(lines, await SortedAsync(third));

        // On a terminal of its own.
        static async Task AssertBarAsync(HubProcess hub, string verb, string file)
        {
            FinishedProgram run = await Programs.RunAsync(
                "script", ["-qec", $"{Programs.Cli} store {verb} {file} --config {hub.ConfigPath} --daemon {Programs.Daemon}", "/dev/null"],
                [.. hub.Environment(), ("TERM", "xterm")]);
            Assert.True(run.Status == 0, run.ToString());
            Assert.Matches($"{verb}.*━━━.*100%", run.Output);
        }

        static async Task AssertBatchesAsync(HubProcess hub, string verb, string file)
        {
            FinishedProgram run = await Programs.RunAsync(Programs.Daemon, [$"--{verb}", file], [.. hub.Environment()]);
            Assert.True(run.Status == 0, run.ToString());
            string[] batches = [.. Enumerable.Range(1, 6).Select(i => $"progress {i * 2_000} {3 * Many}")];
            Assert.Equal(batches, run.OutputLines[..batches.Length]);
        }

        static async Task<string[]> SortedAsync(string file)
        {
            string[] lines = await File.ReadAllLinesAsync(file, TestContext.Current.CancellationToken);
            Array.Sort(lines, StringComparer.Ordinal);
            return lines;
        }
    }

    [Fact]
    public async Task MigrateOnly_makes_the_schema_and_ends()
    {
        PostgresServer server = await PostgresServer.SharedAsync();
        string dsn = await server.CreateDatabaseAsync();
        await using HubProcess hub = HubProcess.Prepare(("DB_DSN", dsn));
        FinishedProgram[] runs = await Task.WhenAll(Enumerable.Range(0, 2).Select(
            _ => Programs.RunAsync(Programs.Daemon, ["--migrate-only"], [.. hub.Environment()])));
        Assert.All(runs, run => Assert.True(run.Status == 0, run.ToString()));
        Assert.All(runs, run => Assert.Contains($"has schema version {PostgresMigrations.Newest}", run.Output, StringComparison.Ordinal));
        Assert.Equal((long)PostgresMigrations.Newest, await server.SqlAsync(dsn, "SELECT count(*) FROM poolhub.schema_version"));
    }

    private static async Task<string> StoreAsync(HubProcess hub, int status, string verb, string file)
    {
        FinishedProgram run = await Programs.RunAsync(
            Programs.Cli, ["store", verb, file, "--config", hub.ConfigPath, "--daemon", Programs.Daemon], [.. hub.Environment()]);
        Assert.True(run.Status == status, run.ToString());
        return run.Output + run.Errors;
    }

    private static async Task<IHubStore> OpenAsync(HubProcess hub, string dsn)
    {
        if (dsn.Length == 0)
        {
            return SqliteHubStore.Open(hub.StateDir, TimeProvider.System, NullLogger<SqliteHubStore>.Instance);
        }
        Assert.True(PostgresDsn.TryParse(dsn, out PostgresDsn? read, out string? problem), problem);
        return await PostgresHubStore.OpenAsync(read, TimeProvider.System, NullLogger<PostgresHubStore>.Instance);
    }

    private static StoredMiner Make(int i)
    {
        string id = $"rig-{i:000000}";
        DateTimeOffset seen = DateTimeOffset.UtcNow.AddSeconds(i % 2 == 0 ? -5 : -7200);
        return new StoredMiner(
            id,
            Samples.Profile(vramGb: i % 80, price: i % 100 / 100m, region: $"eu-west-{i % 20}"),
            1,
            1,
            new StoredKeys([(byte)i]),
            TrustState.None with { Good = i % 7, At = seen },
            new StoredStatus(id, i % 3, i % 2 == 0, 100, 50, 10.5, seen),
            seen.AddDays(-1),
            seen);
    }
}
