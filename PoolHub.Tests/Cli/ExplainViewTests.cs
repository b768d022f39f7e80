using PoolHub.Cli.Match;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.Cli;

public sealed class ExplainViewTests
{
    [Fact]
    public void Explain_shows_a_table_of_clauses_and_one_of_changes()
    {
        var response = new ExplainResponse
        {
            JobId = "j",
            EvaluatedAt = DateTimeOffset.UnixEpoch,
            Passing = 0,
            Candidates = [],
            Clauses =
            [
                new ExplainedClause { Clause = "online", Wanted = ClauseValue.Of("online"), Left = 12, Alone = 0 },
                new ExplainedClause { Clause = "tags_any", Wanted = ClauseValue.Of(["[a]", "b"]), Left = 0, Alone = 3 },
            ],
            Relaxations =
            [
                new Relaxation { Clause = "tags_any", From = ClauseValue.Of(["[a]", "b"]), Found = 3, Text = "" },
                new Relaxation { Clause = "max_price", From = ClauseValue.Of(0.8m), To = ClauseValue.Of(0.82m), Found = 14, Text = "" },
                new Relaxation { Clause = "free_slots", From = ClauseValue.Of(1), Wait = true, Found = 2, Text = "" },
            ],
            Text = "nobody left after tags_any (12 → 0)",
        };
        string text = CommandLine.Draw(console => ExplainView.Write(console, response));
        string[] lines = text.Split('\n');
        Assert.Contains(lines, line => ViewTests.Has(line, "tags_any", "[a], b", "0", "3"));
        Assert.Contains(lines, line => ViewTests.Has(line, "tags_any", "[a], b", "any", "3"));
        Assert.Contains(lines, line => ViewTests.Has(line, "max_price", "0.8", "0.82", "14"));
        Assert.Contains(lines, line => ViewTests.Has(line, "free_slots", "1", "wait", "2"));
        Assert.Contains("nobody left after tags_any (12 → 0)", text, StringComparison.Ordinal);

        string none = CommandLine.Draw(console => ExplainView.Write(console, response with { Relaxations = [] }));
        Assert.DoesNotContain("would pass", none, StringComparison.Ordinal);
    }

    [Fact]
    public void Why_not_shows_what_the_miner_has_and_what_was_wanted()
    {
        string text = CommandLine.Draw(console => WhyNotView.Write(console, Answer() with
        {
            Failed = [new FailedClause { Clause = "region", Value = ClauseValue.Of("[us]"), Wanted = ClauseValue.Of("eu") }],
        }));
        Assert.Contains("rig-1 fails", text, StringComparison.Ordinal);
        Assert.Contains(text.Split('\n'), line => ViewTests.Has(line, "region", "[us]", "eu"));
        Assert.Contains("1970-01-01 00:00:00Z, evaluated now", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Why_not_of_a_miner_that_passes_shows_its_terms_beside_the_winners()
    {
        string text = CommandLine.Draw(console => WhyNotView.Write(console, Answer() with
        {
            Basis = "match",
            Rank = 3,
            Passing = 9,
            Miner = Candidate("rig-1", 0.25),
            Winner = Candidate("rig-2", 0.75),
        }));
        Assert.Contains("rig-1: place 3 of 9", text, StringComparison.Ordinal);
        Assert.Contains(text.Split('\n'), line => ViewTests.Has(line, "price", "0.20", "0.2500", "0.0500", "0.7500", "0.1500", "0.1000"));
        Assert.Contains(text.Split('\n'), line => ViewTests.Has(line, "score", "0.2500", "0.7500", "0.5000"));
        Assert.Contains("as that match saw it", text, StringComparison.Ordinal);
    }

    private static WhyNotResponse Answer() => new()
    {
        MinerId = "rig-1",
        JobId = "j",
        Basis = "now",
        EvaluatedAt = DateTimeOffset.UnixEpoch,
        Failed = [],
        Text = "text",
    };

    private static Candidate Candidate(string id, double norm) => new()
    {
        MinerId = id,
        Addr = "a:1",
        Proto = "grpc",
        Score = norm,
        Price = new TokenPrice(1),
        Breakdown = [new ScoreTerm { Term = "price", Norm = norm, Weight = 0.2, Contribution = 0.2 * norm }],
    };
}
