using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using PoolHub.Daemon.Matching;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.Matching;

public sealed class ExplainerTests
{
    private static readonly MinerProfile Profile = new()
    {
        Addr = "10.0.0.1:9000",
        Proto = "grpc",
        GpuVramGb = 24,
        Price = Tokens(50),
        MaxParallel = 2,
        Region = "eu-west-1",
        Accel = ["cuda"],
    };

    private static readonly MatchRequest Request = new()
    {
        JobId = "j",
        Requirements = new() { MinVramGb = 24, Accel = ["cuda", "rocm"] },
        Hints = new() { Region = "eu-west-1", MaxPrice = Tokens(80) },
        TopK = 2,
    };

    private readonly FakeTimeProvider _time = new();
    private readonly MatchIndex _index;
    private readonly Dictionary<string, MinerPlace> _places = [];
    private readonly Explainer _explainer;

    public ExplainerTests()
    {
        _index = new MatchIndex(_time);
        _explainer = new Explainer(_index, id => _places.GetValueOrDefault(id), _time);
    }

    [Fact]
    public void Every_clause_has_its_rule() =>
        Assert.Equal(Clauses.All, ClauseRule.All.Select(rule => rule.Clause));

    [Fact]
    public void Explain_offers_the_nearest_step_and_the_one_that_finds_enough()
    {
        Add("dear-1", Profile with { Price = Tokens(82) });
        Add("dear-2", Profile with { Price = Tokens(90) });
        Add("dearest", Profile with { Price = Tokens(500) });
        Add("small", Profile with { GpuVramGb = 7.1 });
        Add("near", Profile with { Region = "eu-west-2" });
        Add("far", Profile with { Region = "us" });
        Add("none", Profile with { Accel = [] });
        _index.SetLoad(Add("full", Profile), 2);
        Add("drained", Profile, available: false);
        Add("two-faults", Profile with { GpuVramGb = 1, Price = Tokens(900) });

        ExplainResponse answer = _explainer.Explain(Query(Request));

        Assert.Equal((0, 0), (answer.Passing, answer.Candidates.Length));
        Assert.Equal(
            [
                "wait for available: 1",
                "region eu-west-1 → eu-west: 1", "region eu-west-1 → any: 2",
                "accel cuda, rocm → any: 1",
                "min_vram_gb 24 → 7.1: 1",
                "max_price 0.8 → 0.82: 1", "max_price 0.8 → 0.9: 2",
                "wait for free_slots: 1",
            ],
            answer.Relaxations.Select(r => r.Text));
        Assert.Equal(
            [("online", 10, 0), ("available", 9, 1), ("region", 7, 2), ("accel", 6, 1), ("min_vram_gb", 4, 1), ("max_price", 1, 3), ("free_slots", 0, 1)],
            answer.Clauses.Select(c => (c.Clause, c.Left, c.Alone)));
        Assert.StartsWith("nobody left after free_slots (1 → 0); wait for available: 1; ", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Explain_of_an_empty_hub_says_that_nobody_is_online()
    {
        ExplainResponse answer = _explainer.Explain(Query(Request));
        Assert.Empty(answer.Relaxations);
        Assert.Equal("nobody is online", answer.Text);
    }

    [Fact]
    public void Explain_with_candidates_shows_them_as_a_match_would()
    {
        Add("a", Profile);
        Add("b", Profile with { Price = Tokens(90) });
        ExplainResponse answer = _explainer.Explain(Query(Request));
        Assert.Equal("a", Assert.Single(answer.Candidates).MinerId);
        Assert.NotNull(answer.Candidates[0].Breakdown);
        Assert.Equal("1 miner of 2 passes, 2 asked for; max_price 0.8 → 0.9: 2", answer.Text);
    }

    [Fact]
    public void WhyNot_of_an_unknown_miner_is_none() => Assert.Null(_explainer.WhyNot(Query(Request), "nobody"));

    [Fact]
    public void WhyNot_names_what_the_miner_has_and_what_was_wanted()
    {
        int slot = Add("a", Profile with { GpuVramGb = 8, Accel = ["metal"], Region = "" }, available: false);
        _index.SetLoad(slot, 3);
        WhyNotResponse answer = _explainer.WhyNot(Query(Request), "a")!;
        Assert.Equal("now", answer.Basis);
        Assert.Equal(
            "a fails available: has draining, wanted available; region: has none, wanted eu-west-1; accel: has metal, wanted cuda, rocm; "
            + "min_vram_gb: has 8, wanted 24; free_slots: has 0, wanted 1",
            answer.Text);
        Assert.Null(answer.Rank);
    }

    [Fact]
    public void WhyNot_of_an_offline_miner_says_so_and_what_its_last_profile_lacks()
    {
        _places["a"] = new MinerPlace(-1, Profile with { GpuVramGb = 8 }, "draining");
        Assert.Equal(
            [("online", "offline", "online"), ("min_vram_gb", "8", "24")],
            _explainer.WhyNot(Query(Request), "a")!.Failed.Select(f => (f.Clause, f.Value.ToString(), f.Wanted.ToString())));
        // Another miner has its slot by now.
        _places["a"] = new MinerPlace(Add("b", Profile), Profile, "draining");
        Assert.Equal("online", Assert.Single(_explainer.WhyNot(Query(Request), "a")!.Failed).Clause);
    }

    [Fact]
    public void WhyNot_of_a_miner_that_passes_tells_its_rank_and_what_puts_others_ahead()
    {
        Add("best", Profile with { Price = Tokens(20) });
        Add("mid", Profile with { Price = Tokens(40) });
        Add("last", Profile with { Price = Tokens(60) });
        Add("asleep", Profile with { Price = Tokens(0) }, degraded: true);
        WhyNotResponse answer = _explainer.WhyNot(Query(Request), "last")!;
        Assert.Equal((3, 4, "best"), (answer.Rank, answer.Passing, answer.Winner!.MinerId));
        Assert.Equal("last passes and has place 3 of 4, 2 asked for; best leads by 0.1000: price +0.1000", answer.Text);
        Assert.Equal("asleep passes and has place 4 of 4, 2 asked for; it is degraded, and healthy miners come first",
            _explainer.WhyNot(Query(Request), "asleep")!.Text);
        Assert.Equal("best passes and has place 1 of 4, 2 asked for", _explainer.WhyNot(Query(Request), "best")!.Text);
    }

    [Fact]
    public void ClauseValue_is_a_number_a_text_or_a_list_in_json()
    {
        var failed = new FailedClause { Clause = "c", Value = ClauseValue.Of(0.8m), Wanted = ClauseValue.Of(["a", "b"]) };
        string json = $"[{Json(failed.Value)},{Json(failed.Wanted)},{Json(ClauseValue.Of("eu"))}]";
        Assert.Equal("""[0.8,["a","b"],"eu"]""", json);
        Assert.Equal(
            ["0.8", "a, b", "eu"],
            JsonDocument.Parse(json).RootElement.EnumerateArray()
                .Select(e => JsonSerializer.Deserialize(e, HubJson.Default.ClauseValue)!.ToString()));
        foreach (string wrong in (string[])["true", "[1]", "{}", "[[]]"])
        {
            Assert.Throws<JsonException>(() => JsonSerializer.Deserialize(wrong, HubJson.Default.ClauseValue));
        }
        Assert.Equal("none", ClauseValue.Of([]).ToString());
        Assert.Equal(
            "0, 1, 2, 3, 4, 5, 6, 7 and 2 more", ClauseValue.Of([.. Enumerable.Range(0, 10).Select(i => $"{i}")]).ToString());
    }

    private static string Json(ClauseValue value) => JsonSerializer.Serialize(value, HubJson.Default.ClauseValue);

    private static TokenPrice Tokens(long hundredths) => new(hundredths * 1_000_000);

    private static MatchQuery Query(MatchRequest request)
    {
        Assert.True(MatchQuery.TryCreate(request, WeightProfiles.BuiltIn, out MatchQuery? query, out _));
        return query;
    }

    private int Add(string id, MinerProfile profile, bool available = true, bool degraded = false)
    {
        int slot = _index.Add(id, profile, degraded, available, trust: 0.5);
        _places[id] = new MinerPlace(slot, profile, "draining");
        return slot;
    }
}
