using CsCheck;
using PoolHub.Daemon.Matching;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.Matching;

/// <summary>A query that comes again is answered from what was found before, and the answer must not show it.</summary>
public sealed class RepeatedSearchTests
{
    [Fact]
    public void Repeated_queries_between_random_changes_are_answered_as_the_reference_does() =>
        Gen.Select(Gen.Int[0, 60], Gen.Int).Sample(
            (size, seed) =>
            {
                TwinFleet fleet = TwinFleet.Create(size, seed);
                AskAgainAndAgain(fleet, new Random(seed), queries: 3, times: 60, mostChanges: 4);
            },
            iter: 500);

    [Theory]
    [InlineData(4_097)]
    [InlineData(13_000)]
    public void Repeated_queries_over_several_segments_are_answered_as_the_reference_does(int size) =>
        AskAgainAndAgain(TwinFleet.Create(size, seed: size), new Random(size), queries: 8, times: 120, mostChanges: 12);

    [Fact]
    public void Best_that_fill_up_one_after_the_other_are_replaced_by_the_next()
    {
        TwinFleet fleet = TwinFleet.Create(size: 9_000, seed: 3);
        for (int i = 0; i < 80; i++)
        {
            MatchCandidate best = fleet.AssertSameAnswer(new MatchRequest { JobId = $"job-{i}" })[0];
            ReferenceMiner miner = fleet.Reference.Miners.Single(miner => miner.Id == best.Offer.MinerId);
            fleet.Beat(miner, load: 9, rttMs: 20, serviceMs: 100);
        }
    }

    [Fact]
    public void Equal_miners_come_in_each_jobs_own_order()
    {
        var fleet = new TwinFleet(seed: 5);
        MinerProfile profile = fleet.NextProfile();
        for (int i = 0; i < 4_500; i++)
        {
            _ = fleet.Add(profile);
        }
        fleet.RefreshLatencyRanks();
        var winners = new HashSet<string>();
        for (int i = 0; i < 20; i++)
        {
            _ = winners.Add(fleet.AssertSameAnswer(new MatchRequest { JobId = $"job-{i}" })[0].Offer.MinerId);
        }
        Assert.True(winners.Count > 10);
    }

    [Fact]
    public void Dearest_price_that_changes_is_the_new_ceiling_of_a_query_that_names_none()
    {
        TwinFleet fleet = TwinFleet.Create(size: 300, seed: 8);
        ReferenceMiner miner = fleet.Reference.Miners[0];
        for (int i = 1; i <= 20; i++)
        {
            miner.Price = new TokenPrice(i * TokenPrice.Unit);
            fleet.Index.SetPrice(fleet.Slot(miner), miner.Price);
            _ = fleet.AssertSameAnswer(new MatchRequest { JobId = $"job-{i}" });
        }
    }

    [Fact]
    public void Query_is_repeated_from_its_second_time_on_and_stays_beside_those_that_come_once()
    {
        var searches = new RepeatedSearches();
        Assert.Null(searches.Find(Query(0), null));
        RepeatedSearch? search = searches.Find(Query(0), null);
        Assert.NotNull(search);
        for (int i = 1; i < 1_000; i++)
        {
            Assert.Null(searches.Find(Query(i), null));
        }
        Assert.Same(search, searches.Find(Query(0), null));

        static MatchQuery Query(int i)
        {
            var request = new MatchRequest { JobId = $"job-{i}", Requirements = new MatchRequirements { MinVramGb = i } };
            Assert.True(MatchQuery.TryCreate(request, WeightProfiles.BuiltIn, out MatchQuery? query, out _));
            return query;
        }
    }

    [Fact]
    public void Result_that_served_another_index_repeats_nothing_of_it()
    {
        TwinFleet[] fleets = [TwinFleet.Create(size: 50, seed: 1), TwinFleet.Create(size: 50, seed: 2)];
        MatchQuery query = Query(new MatchRequest { JobId = "job" });
        var result = new MatchResult();
        for (int i = 0; i < 6; i++)
        {
            MatchIndex index = fleets[i / 3].Index;
            var alone = new MatchResult();
            index.Match(query, alone);
            index.Match(query, result);
            Assert.Equal(Found(query, alone), Found(query, result));
        }
    }

    [Fact]
    public async Task Repeated_queries_beside_writers_settle_to_what_a_first_look_finds()
    {
        TwinFleet fleet = TwinFleet.Create(size: 6_000, seed: 21);
        MatchQuery[] queries = [.. Enumerable.Range(0, 6).Select(_ => Query(fleet.NextRequest()))];
        using var stop = new CancellationTokenSource();
        Task writer = Task.Run(
            () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    fleet.Disturb();
                }
            },
            CancellationToken.None);
        Task beats = Task.Run(
            () =>
            {
                var random = new Random(4);
                while (!stop.IsCancellationRequested)
                {
                    fleet.Index.SetLoad(random.Next(5_000), random.Next(5));
                    fleet.Index.SetRtt(random.Next(5_000), random.Next(300));
                    fleet.Index.SetServiceMs(random.Next(5_000), random.Next(2_000));
                }
            },
            CancellationToken.None);
        var repeated = new MatchResult();
        for (int i = 0; i < 6_000; i++)
        {
            fleet.Index.Match(queries[i % queries.Length], repeated);
        }
        await stop.CancelAsync();
        await Task.WhenAll(writer, beats);

        foreach (MatchQuery query in queries)
        {
            var first = new MatchResult();
            fleet.Index.Match(query, first);
            fleet.Index.Match(query, repeated);
            Assert.Equal(Found(query, first), Found(query, repeated));
        }
    }

    private static string Found(MatchQuery query, MatchResult result) => string.Join(
        ' ',
        [
            .. Clauses.All.Where(query.Asks).Select(clause => $"{clause.Name()}={result.Left(clause)}"),
            .. result.Candidates.ToArray().Select(candidate => $"{candidate.Offer.MinerId}:{candidate.Score:R}:{candidate.Load}:{candidate.EtaMs}"),
        ]);

    private static void AskAgainAndAgain(TwinFleet fleet, Random random, int queries, int times, int mostChanges)
    {
        MatchRequest[] requests = [.. Enumerable.Range(0, queries).Select(_ => fleet.NextRequest())];
        for (int i = 0; i < times; i++)
        {
            for (int changes = random.Next(mostChanges + 1); changes > 0; changes--)
            {
                fleet.Disturb();
            }
            _ = fleet.AssertSameAnswer(requests[random.Next(queries)] with { JobId = $"job-{random.Next(50)}" });
        }
    }

    private static MatchQuery Query(MatchRequest request)
    {
        Assert.True(MatchQuery.TryCreate(request, WeightProfiles.BuiltIn, out MatchQuery? query, out _));
        return query;
    }
}
