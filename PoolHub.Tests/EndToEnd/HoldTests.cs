using PoolHub.Protocol.Client;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.EndToEnd;

/// <summary>No slot is sold twice, however many ask at once.</summary>
public sealed class HoldTests
{
    private const int Miners = 100;
    private const int Matches = 200;

    [Fact]
    public async Task Herd_of_matches_gets_every_single_slot_miner_once_round_after_round()
    {
        await using HubProcess hub = await HubProcess.StartAsync();
        await Task.WhenAll(Enumerable.Range(0, Miners).Select(i =>
            Samples.RegisterOverHttpAsync(hub, $"rig-{i}", Samples.Profile() with { MaxParallel = 1 })));
        var coordinator = new CoordinatorClient(hub.Http, HubProcess.Secret);
        CancellationToken cancel = TestContext.Current.CancellationToken;
        for (int round = 0; round < 5; round++)
        {
            MatchResponse[] answers = await Task.WhenAll(Enumerable.Range(0, Matches).Select(i =>
                coordinator.MatchAsync(new MatchRequest { JobId = $"job-{i}", TopK = 1, HoldMs = 600_000 }, cancel)));
            Candidate[] sold = [.. answers.SelectMany(a => a.Candidates)];
            Assert.Equal((Miners, Miners), (sold.Length, sold.DistinctBy(c => c.MinerId).Count()));
            Assert.Equal(Matches - Miners, answers.Count(a => a.Candidates.Length == 0));
            Assert.All(sold, c => Assert.Equal(600_000, c.HoldExpiresInMs));
            int[] released = await Task.WhenAll(answers.Select(a => coordinator.ReleaseAsync(a.MatchId, cancel: cancel)));
            Assert.Equal(Miners, released.Sum());
        }
        string metrics = await hub.Http.GetStringAsync(new Uri("v1/metrics", UriKind.Relative), cancel);
        Assert.Contains("\npoolhub_holds 0\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\npoolhub_holds_ended_total{reason=\"release\"} 500\n", metrics, StringComparison.Ordinal);
    }
}
