using CsCheck;
using Microsoft.Extensions.Time.Testing;
using PoolHub.Daemon.Matching;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.Matching;

/// <summary>Diagnoses of random fleets against the reference, and against matches of what they recommend.</summary>
public sealed class ExplainReferenceTests
{
    [Fact]
    public void Explain_counts_clauses_and_those_kept_out_alone_as_the_reference() =>
        Sample((fleet, request) =>
        {
            ExplainResponse answer = Explain(fleet, request);
            ReferenceAnswer expected = fleet.Reference.Match(request, TwinFleet.Weights(request.Weights));
            Assert.Equal(expected.Clauses, answer.Clauses.Select(c => new ClauseCount { Clause = c.Clause, Left = c.Left }));
            Assert.Equal(expected.Clauses[^1].Left, answer.Passing);
            Assert.Equal(expected.Places.Select(p => (p.Miner.Id, p.Score)), answer.Candidates.Select(c => (c.MinerId, c.Score)));

            ILookup<string, ReferenceMiner> alone = fleet.Reference.Miners
                .Select(miner => (miner, Failed: Failed(request, miner)))
                .Where(m => m.Failed.Length == 1)
                .ToLookup(m => m.Failed[0], m => m.miner);
            Assert.All(answer.Clauses, c => Assert.Equal(alone[c.Clause].Count(), c.Alone));
            // Where one clause alone keeps somebody out, a relaxation is offered, and nowhere else.
            Assert.Equal(
                answer.Clauses.Where(c => c.Alone > 0).Select(c => c.Clause),
                answer.Relaxations.Select(r => r.Clause).Distinct());
        });

    [Fact]
    public void Explain_relaxations_find_what_they_promise_and_the_step_below_finds_less() =>
        Sample((fleet, request) =>
        {
            ExplainResponse answer = Explain(fleet, request);
            int topK = request.TopK ?? 3;
            foreach (IGrouping<string, Relaxation> clause in answer.Relaxations.GroupBy(r => r.Clause))
            {
                int alone = answer.Clauses.Single(c => c.Clause == clause.Key).Alone;
                Relaxation nearest = clause.First();
                Relaxation enough = clause.Last();
                Assert.InRange(clause.Count(), 1, 2);
                Assert.True(nearest.Found > answer.Passing);
                Assert.True(enough.Found >= topK || enough.Found == answer.Passing + alone);
                if (nearest.Wait is true)
                {
                    Assert.Equal(answer.Passing + alone, nearest.Found);
                    continue;
                }
                Assert.All(clause, r => Assert.Equal(r.Found, Passing(fleet, Relax(request, r.Clause, r.To))));
                Assert.Equal(answer.Passing, Passing(fleet, Below(request, nearest)));
                if (enough != nearest)
                {
                    Assert.True(nearest.Found < topK);
                    Assert.InRange(Passing(fleet, Below(request, enough)), nearest.Found, topK - 1);
                }
            }
        });

    [Fact]
    public void WhyNot_names_the_failing_clauses_or_the_rank_of_every_miner() =>
        Sample((fleet, request) =>
        {
            // Spreading leaves places out; a rank is among all who pass.
            request = request with { SpreadBy = null };
            var all = fleet.Reference.Match(request with { TopK = int.MaxValue }, TwinFleet.Weights(request.Weights));
            Explainer explainer = Explainer(fleet);
            MatchQuery query = Query(request);
            foreach (ReferenceMiner miner in fleet.Reference.Miners)
            {
                WhyNotResponse answer = explainer.WhyNot(query, miner.Id)!;
                Assert.Equal(Failed(request, miner), answer.Failed.Select(f => f.Clause));
                int place = all.Places.FindIndex(p => p.Miner == miner);
                Assert.Equal(place < 0 ? null : place + 1, answer.Rank);
                if (place >= 0)
                {
                    Assert.Equal(all.Places.Count, answer.Passing);
                    Assert.Equal((miner.Id, all.Places[place].Score), (answer.Miner!.MinerId, answer.Miner.Score));
                    Assert.Equal((all.Places[0].Miner.Id, all.Places[0].Score), (answer.Winner!.MinerId, answer.Winner.Score));
                }
            }
        });

    [Fact]
    public void Decision_keeps_a_match_to_the_last_bit() =>
        Sample((fleet, request) =>
        {
            MatchQuery query = Query(request with { Explain = "full" });
            var result = new MatchResult();
            fleet.Index.Match(query, result);
            var log = new DecisionLog(new FakeTimeProvider());
            Guid id = log.NextId(7);
            MatchResponse answer = WrittenAnswer.Of(query, result, id);
            log.Keep(id, query, result);
            fleet.Index.Match(Query(new MatchRequest { JobId = "other" }), result);

            DecisionResponse kept = MatchAnswer.Create(log.Find(answer.MatchId)!);
            Assert.Equal(
                (answer.MatchId, answer.JobId, answer.Explain), (kept.MatchId, kept.Request.JobId, kept.Explain));
            Assert.Equal(answer.Clauses, kept.Clauses);
            Assert.Equal(answer.Candidates.Select(c => c with { Breakdown = null }), kept.Candidates.Select(c => c with { Breakdown = null }));
            Assert.Equal(answer.Candidates.SelectMany(c => c.Breakdown!), kept.Candidates.SelectMany(c => c.Breakdown!));
        });

    private static void Sample(Action<TwinFleet, MatchRequest> check) =>
        Gen.Select(Gen.Int[0, 80], Gen.Int).Sample(
            (size, seed) =>
            {
                TwinFleet fleet = TwinFleet.Create(size, seed);
                for (int i = 0; i < 5; i++)
                {
                    check(fleet, fleet.NextRequest());
                }
            },
            iter: 400);

    private static ExplainResponse Explain(TwinFleet fleet, MatchRequest request) => Explainer(fleet).Explain(Query(request));

    private static Explainer Explainer(TwinFleet fleet) => new(
        fleet.Index,
        id => fleet.Reference.Miners.Find(m => m.Id == id) is { } miner ? new MinerPlace(fleet.Slot(miner), miner.Profile, "ejected") : null,
        new FakeTimeProvider());

    private static MatchQuery Query(MatchRequest request)
    {
        Assert.True(MatchQuery.TryCreate(request, WeightProfiles.BuiltIn, out MatchQuery? query, out var fault), $"{fault}");
        return query;
    }

    private static string[] Failed(MatchRequest request, ReferenceMiner miner) =>
        [.. ReferenceFleet.Clauses(request).Where(c => !c.Passes(miner)).Select(c => c.Clause)];

    /// <summary>How many a match counts after its last clause.</summary>
    private static int Passing(TwinFleet fleet, MatchRequest request)
    {
        var result = new MatchResult();
        MatchQuery query = Query(request);
        fleet.Index.Match(query, result);
        return result.Left(Clauses.All.Last(query.Asks));
    }

    /// <summary>The request with one clause at this value, or without it.</summary>
    private static MatchRequest Relax(MatchRequest request, string clause, ClauseValue? to)
    {
        MatchRequirements needs = request.Requirements ?? new();
        MatchHints hints = request.Hints ?? new();
        return clause switch
        {
            "exclude" => request with { Exclude = to?.Terms },
            "region" => request with { Hints = hints with { Region = to?.Text } },
            "accel" => request with { Requirements = needs with { Accel = to?.Terms } },
            "task" => request with { Requirements = needs with { Task = to?.Text } },
            "capabilities_any" => request with { Requirements = needs with { CapabilitiesAny = to?.Terms } },
            "tags_any" => request with { Requirements = needs with { TagsAny = to?.Terms } },
            "min_vram_gb" => request with { Requirements = needs with { MinVramGb = (double?)to?.Number } },
            "min_ram_gb" => request with { Requirements = needs with { MinRamGb = (double?)to?.Number } },
            "max_price" => request with { Hints = hints with { MaxPrice = Price(to?.Number) } },
            "deadline_ms" => request with { Hints = hints with { DeadlineMs = (int?)to?.Number } },
            _ => throw new ArgumentOutOfRangeException(nameof(clause), clause, "cannot be relaxed"),
        };
    }

    /// <summary>The request with the last value that is stricter than the relaxation's.</summary>
    private static MatchRequest Below(MatchRequest request, Relaxation relaxation) => (relaxation.Clause, relaxation.To) switch
    {
        ("min_vram_gb", { Number: { } gb }) =>
            request with { Requirements = request.Requirements! with { MinVramGb = MathF.BitIncrement((float)gb) } },
        ("min_ram_gb", { Number: { } gb }) =>
            request with { Requirements = request.Requirements! with { MinRamGb = MathF.BitIncrement((float)gb) } },
        ("max_price", { Number: { } price }) => Relax(request, relaxation.Clause, ClauseValue.Of(price - 0.00000001m)),
        ("deadline_ms", { Number: { } ms }) => Relax(request, relaxation.Clause, ClauseValue.Of(ms - 1)),
        ("deadline_ms", null) => Relax(request, relaxation.Clause, ClauseValue.Of(MatchQuery.MaxDeadlineMs)),
        ("region", var parent) => Relax(request, relaxation.Clause, RegionBelow(relaxation.From.Text!, parent?.Text)),
        _ => request,
    };

    /// <summary>Of eu-west-1 and eu: eu-west.</summary>
    private static ClauseValue RegionBelow(string asked, string? parent)
    {
        int dash = asked.IndexOf('-', parent is null ? 0 : parent.Length + 1);
        return ClauseValue.Of(dash < 0 ? asked : asked[..dash]);
    }

    private static TokenPrice? Price(decimal? tokens) =>
        tokens is { } some && TokenPrice.TryFromTokens(some, out TokenPrice price) ? price : null;
}
