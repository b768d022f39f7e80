using PoolHub.Benchmarks.Harness;

namespace PoolHub.Tests.Benchmarks;

/// <summary>A benchmark that cannot fail says nothing.</summary>
public sealed class BenchTests
{
    private static readonly BenchOptions s_all = new(Quick: true, Peers: false, [], "");

    [Fact]
    public async Task Row_within_its_budget_holds()
    {
        (bool held, string table) = await RunAsync(new Budget { AtMost = 2 }, new Figure("row", "4 ms", "2 ms", 2));
        Assert.True(held, table);
        Assert.Contains("1 held, 0 missed", table, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Row_that_costs_something_misses_a_budget_of_nothing()
    {
        (bool held, string table) = await RunAsync(new Budget { AtMost = 0 }, new Figure("row", "1 µs", "", 0.001));
        Assert.False(held);
        Assert.Contains("0 held, 1 missed", table, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Row_misses_the_least_that_is_wanted() =>
        Assert.False((await RunAsync(new Budget { AtLeast = 0.85 }, new Figure("row", "", "", 0.849))).Held);

    [Fact]
    public async Task Row_that_is_no_number_misses_every_budget()
    {
        Assert.False((await RunAsync(new Budget { AtMost = 1 }, new Figure("row", "", "", double.NaN))).Held);
        Assert.False((await RunAsync(new Budget { AtLeast = 1 }, new Figure("row", "", "", double.NaN))).Held);
    }

    [Fact]
    public async Task Row_with_a_fault_fails_whatever_its_value()
    {
        (bool held, string table) = await RunAsync(new Budget(), new Figure("row", "", "", 1, Fault: "another answer"));
        Assert.False(held);
        Assert.Contains("NO another answer", table, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Row_that_was_not_measured_fails() => Assert.False((await RunAsync(new Budget())).Held);

    [Fact]
    public async Task Scenario_that_throws_fails_its_rows()
    {
        var scenario = new ScriptedScenario(_ => throw new IOException("no such server"));
        (bool held, string table) = await RunAsync(new Budget(), scenario, s_all);
        Assert.False(held);
        Assert.Contains("IOException: no such server", table, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Row_that_was_skipped_fails_nothing_and_is_seen()
    {
        (bool held, string table) = await RunAsync(new Budget { AtLeast = 2 }, Figure.Skip("row", "no redis-server"));
        Assert.True(held);
        Assert.Contains("skipped: no redis-server", table, StringComparison.Ordinal);
        Assert.Contains("0 held, 0 missed, 1 skipped", table, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_of_no_row_fails()
    {
        var scenario = new ScriptedScenario(bench => bench.Report(new Figure("row", "", "", 1)));
        Assert.False((await RunAsync(new Budget(), scenario, s_all with { Only = ["another"] })).Held);
    }

    [Fact]
    public void Budgets_must_fit_the_rows()
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, """{"a": {"at_most": 1.5, "aim": 1}, "b": {}}""");
            Dictionary<string, Budget> budgets = Budgets.Read(path, ["a", "b"]);
            Assert.Equal("≤ 1.5 (aim 1)", budgets["a"].ToString());
            Assert.Contains("'c' has no budget", Refusal(path, "a", "b", "c"), StringComparison.Ordinal);
            Assert.Contains("no row 'b'", Refusal(path, "a"), StringComparison.Ordinal);
            File.WriteAllText(path, """{"a": {"max": 1}}""");
            Assert.Contains("max", Refusal(path, "a"), StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Samples_know_their_ranks()
    {
        Samples samples = new();
        for (int i = 100; i > 0; i--)
        {
            samples.Add(i);
        }
        Assert.Equal((50, 99, 1, 100), (samples.Median, samples.Percentile(99), samples.Percentile(0), samples.Percentile(100)));
    }

    private static string Refusal(string path, params string[] rows) =>
        Assert.Throws<InvalidDataException>(() => Budgets.Read(path, rows)).Message;

    private static Task<(bool Held, string Table)> RunAsync(Budget budget, params Figure[] figures) =>
        RunAsync(budget, new ScriptedScenario(bench => Array.ForEach(figures, bench.Report)), s_all);

    private static async Task<(bool Held, string Table)> RunAsync(Budget budget, Scenario scenario, BenchOptions options)
    {
        var table = new StringWriter();
        var bench = new Bench(options, new Dictionary<string, Budget> { ["row"] = budget }, TextWriter.Null);
        return (await bench.RunAsync([scenario], table), table.ToString());
    }

    private sealed class ScriptedScenario(Action<Bench> measure) : Scenario("row")
    {
        public override Task RunAsync(Bench bench)
        {
            measure(bench);
            return Task.CompletedTask;
        }
    }
}
