using PoolHub.Daemon.Matching;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.Matching;

public sealed class MatchAnswerTests
{
    private static readonly MinerProfile Profile = new()
    {
        Addr = "10.0.0.1:9000",
        Proto = "grpc",
        Price = new TokenPrice(TokenPrice.Unit / 4),
        MaxParallel = 3,
        Capabilities = ["llama"],
    };

    private readonly MatchIndex _index = new(TimeProvider.System);

    [Fact]
    public void MatchAnswer_with_nobody_names_the_clause_that_emptied_the_list()
    {
        for (int i = 0; i < 12; i++)
        {
            _index.Add($"miner-{i}", Profile, degraded: false, available: true, trust: 0.5);
        }
        MatchResponse response = Answer(new() { JobId = "j", Hints = new() { MaxPrice = new TokenPrice(1), DeadlineMs = 5 } });
        Assert.Empty(response.Candidates);
        Assert.Equal("nobody left after max_price (12 → 0)", response.Explain);
        Assert.Equal(
            [("online", 12), ("available", 12), ("max_price", 0), ("free_slots", 0), ("deadline_ms", 0)],
            response.Clauses.Select(clause => (clause.Clause, clause.Left)));
    }

    [Fact]
    public void MatchAnswer_of_an_empty_index_says_that_nobody_is_online() =>
        Assert.Equal("nobody is online", Answer(new() { JobId = "j" }).Explain);

    [Fact]
    public void MatchAnswer_with_explain_full_breaks_each_score_down_to_its_sum()
    {
        int slot = _index.Add("a", Profile, degraded: true, available: true, trust: 0.75);
        _index.SetLoad(slot, 1);
        _index.SetRtt(slot, 30);
        _index.SetServiceMs(slot, 100);
        var request = new MatchRequest
        {
            JobId = "j",
            Requirements = new() { CapabilitiesAny = ["llama", "bge"] },
            Hints = new() { MaxPrice = new TokenPrice(TokenPrice.Unit) },
        };

        Candidate full = Assert.Single(Answer(request with { Explain = "full" }).Candidates);
        Assert.Equal(["cap", "price", "latency", "trust", "load"], full.Breakdown!.Select(term => term.Term));
        Assert.Equal([1, 0.25, 30, 0.75, 1], full.Breakdown!.Select(term => term.Raw));
        Assert.Equal([0.5, 0.75, 0.5, 0.75, 0.5], full.Breakdown!.Select(term => term.Norm));
        Assert.All(full.Breakdown!, term => Assert.Equal(term.Weight * term.Norm, term.Contribution));
        Assert.Equal(full.Score, full.Breakdown!.Sum(term => term.Contribution));
        Assert.Equal((true, 164), (full.Degraded, full.EtaMs)); // 30 + 100 × 4/3, rounded up

        Candidate brief = Assert.Single(Answer(request).Candidates);
        Assert.Null(brief.Breakdown);
        Assert.Equal("cap=0.50 • price=0.75 • latency=0.50 • trust=0.75 • load=0.50", Answer(request).Explain);
    }

    [Fact]
    public void MatchAnswer_leaves_out_what_is_not_known()
    {
        _index.Add("a", Profile, degraded: false, available: true, trust: 0.5);
        Candidate candidate = Assert.Single(Answer(new() { JobId = "j", Explain = "full" }).Candidates);
        Assert.Null(candidate.EtaMs);
        Assert.Null(candidate.Degraded);
        Assert.Equal([null, 0.25, null, 0.5, 0], candidate.Breakdown!.Select(term => term.Raw));
        Assert.Equal(1, candidate.Breakdown![0].Norm);
    }

    private MatchResponse Answer(MatchRequest request)
    {
        Assert.True(MatchQuery.TryCreate(request, WeightProfiles.BuiltIn, out MatchQuery? query, out var fault), $"{fault}");
        var result = new MatchResult();
        _index.Match(query, result);
        return WrittenAnswer.Of(query, result);
    }
}
