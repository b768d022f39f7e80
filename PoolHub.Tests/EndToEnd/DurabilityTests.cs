using PoolHub.Tests.Support;

namespace PoolHub.Tests.EndToEnd;

/// <summary>Answered means durable: SIGKILL at a random moment under load, again and again.</summary>
public sealed class DurabilityTests
{
    private static int Rounds => Environment.GetEnvironmentVariable("POOLHUB_TEST_FULL") is null ? 4 : 200;

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task Whatever_was_answered_is_there_once_after_a_kill(string kind)
    {
        string dsn = kind == "postgres" ? await (await PostgresServer.SharedAsync()).CreateDatabaseAsync() : "";
        await using HubProcess hub = await HubProcess.StartAsync(("DB_DSN", dsn), ("FLAP_LIMIT_PER_MIN", "0"));
        var store = new StoreUnderTest(dsn.Length == 0 ? null : dsn, hub.StateDir);
        // The same moments in every run; what happens at them is not.
        var random = new Random(20_260_101);
        int kept = 0;
        for (int round = 0; round < Rounds; round++)
        {
            string name = $"r{round}";
            var ledger = new Ledger(hub, name);
            ledger.Begin(clients: 8);
            await Task.Delay(random.Next(50, 400), TestContext.Current.CancellationToken);
            await hub.KillAsync();
            await ledger.EndAsync();
            await hub.RestartAsync();
            await store.AssertHoldsAsync(ledger, name);
            Assert.Empty(ledger.Refused);
            kept += ledger.Miners.Count + ledger.Reports.Count;
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{kind}: {Rounds} kills, {kept} answers, none lost");
        Assert.True(kept > 10 * Rounds, $"only {kept} answers in {Rounds} rounds");
    }
}
