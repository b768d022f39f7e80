using PoolHub.Benchmarks.Children;
using PoolHub.Benchmarks.Fleets;
using PoolHub.Benchmarks.Harness;
using PoolHub.Benchmarks.Http;
using PoolHub.Benchmarks.Hubs;

namespace PoolHub.Benchmarks.Peers;

/// <summary>
/// One match asked of the hub over HTTP, and of PostgreSQL and Redis over theirs, by turns: the same fleet, as
/// many connections, the same way of asking.
/// </summary>
internal sealed class PeerScenario(int miners) : Scenario(
    Row("match", "postgres GIN", miners), Row("match", "redis SINTER", miners), Row("match", "postgres stored score", miners),
    Row("match", "redis sorted set", miners), Row("batch", "redis ids alone", miners))
{
    public const int Connections = 32;

    /// <summary>How many matches a batch has.</summary>
    private const int Together = 16;

    public override bool NeedsPeers => true;

    public override async Task RunAsync(Bench bench)
    {
        FleetMiner[] fleet = FleetGenerator.Make(miners);
        List<PeerMiner> peers = PeerFleet.Of(fleet);
        await using HubUnderTest hub = await HubUnderTest.StartAsync();
        await hub.EnterAsync(fleet);
        using PostgresPeer postgres = await PostgresPeer.StartAsync(peers);
        using RedisPeer redis = await RedisPeer.StartAsync(peers);
        bench.Say($"{miners:N0} miners in the hub, PostgreSQL and Redis");

        _ = HttpExchange.Match(hub.HttpPort);
        await using Child ours = await PeerFleet.LoadAsync("http", hub.HttpPort, greeting: null, HttpExchange.Request("/v1/match"));
        await CompareAsync(bench, 0, ours, await postgres.LoadAsync());
        await CompareAsync(bench, 1, ours, await redis.LoadAsync());
        await CompareAsync(bench, 2, ours, await postgres.LoadStoredAsync());
        await CompareAsync(bench, 3, ours, await redis.LoadRankedAsync());
        await using Child batches = await PeerFleet.LoadAsync("http", hub.HttpPort, greeting: null, HttpExchange.Batch(Together));
        await CompareAsync(bench, 4, batches, await redis.LoadRankedIdsAsync(), Together);
    }

    private async Task CompareAsync(Bench bench, int row, Child ours, Child theirs, int together = 1)
    {
        await using Child peer = theirs;
        Samples hubRates = new();
        Samples peerRates = new();
        Samples ratios = new();
        int stretchMs = bench.Quick ? 700 : 2_000;
        for (int i = 0; i < 4; i++)
        {
            double match = together * await AskAsync(ours, stretchMs);
            double other = await AskAsync(peer, stretchMs);
            // The first turn warms up.
            if (i > 0)
            {
                hubRates.Add(match);
                peerRates.Add(other);
                ratios.Add(match / other);
            }
        }
        bench.Report(new Figure(Rows[row], Units.Rate(hubRates.Median), Units.Rate(peerRates.Median), ratios.Median));
    }

    private static async Task<double> AskAsync(Child load, int ms)
    {
        load.Tell($"0 {ms}");
        (long answers, double seconds) = await load.HearCountAsync();
        return answers / seconds;
    }

    private static string Row(string asked, string peer, int miners) => $"http {asked} / {peer} {miners:N0}";
}
