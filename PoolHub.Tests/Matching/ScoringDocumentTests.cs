using System.Globalization;
using System.Text.Json;
using PoolHub.Daemon.Matching;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.Matching;

/// <summary>docs/scoring.md is recomputed from its own tables: the page and the code cannot drift apart.</summary>
public sealed class ScoringDocumentTests
{
    private static readonly string[] Page = File.ReadAllLines(FindPage());

    [Fact]
    public void ScoringDocument_worked_example_is_what_the_index_answers()
    {
        (MatchResponse response, MatchResult result) = AnswerExample();

        string[][] expected = [.. Table("answer").Skip(1)];
        Assert.Equal(expected.Select(row => row[0]), response.Candidates.Select(candidate => candidate.MinerId));
        for (int i = 0; i < expected.Length; i++)
        {
            MatchCandidate actual = result.Candidates[i];
            double[] numbers = [actual.CapFit, actual.PriceNorm, actual.LatencyNorm, actual.Trust, actual.LoadNorm, actual.Score];
            for (int column = 0; column < numbers.Length; column++)
            {
                Assert.Equal(Number(expected[i][column + 1]), numbers[column], tolerance: 0.00005);
            }
            Assert.Equal(Whole(expected[i][7]), actual.EtaMs);
        }
    }

    [Fact]
    public void ScoringDocument_clause_counts_and_explain_line_are_what_the_index_answers()
    {
        MatchResponse response = AnswerExample().Response;

        Assert.Equal(
            Table("clauses").Select(row => (row[0], Whole(row[1]))),
            response.Clauses.Select(clause => (clause.Clause, clause.Left)));
        Assert.Contains(Page, line => line.Contains($"`{response.Explain}`", StringComparison.Ordinal));
    }

    [Fact]
    public void ScoringDocument_profiles_are_the_built_in_ones()
    {
        string[][] rows = [.. Table("profiles")];
        Assert.Equal(rows.Select(row => row[0]), WeightProfiles.BuiltIn.Names);
        foreach (string[] row in rows)
        {
            Assert.True(Weights.TryParse(row[1], out Weights documented, out _));
            Assert.True(WeightProfiles.BuiltIn.TryGet(row[0], out Weights actual));
            Assert.Equal(documented, actual);
        }
    }

    private static (MatchResponse Response, MatchResult Result) AnswerExample()
    {
        var index = new MatchIndex(TimeProvider.System);
        foreach (string[] row in Table("fleet").Skip(1))
        {
            var profile = new MinerProfile
            {
                Addr = "10.0.0.1:9000",
                Proto = "grpc",
                Region = row[1],
                GpuVramGb = Number(row[2]),
                Price = Price(row[3]),
                Capabilities = row[4].Split(','),
                MaxParallel = Whole(row[5]),
            };
            int slot = index.Add(row[0], profile, degraded: row[10] == "yes", available: true, trust: Number(row[9]));
            index.SetLoad(slot, Whole(row[6]));
            index.SetRtt(slot, Whole(row[7]));
            index.SetServiceMs(slot, Whole(row[8]));
        }
        index.RefreshLatencyRanks();
        MatchRequest request = JsonSerializer.Deserialize(string.Join('\n', Block("json")), HubJson.Default.MatchRequest)!;
        Assert.True(MatchQuery.TryCreate(request, WeightProfiles.BuiltIn, out MatchQuery? query, out var fault), $"{fault}");
        var result = new MatchResult();
        index.Match(query, result);
        return (WrittenAnswer.Of(query, result), result);
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static TokenPrice Price(string text)
    {
        Assert.True(TokenPrice.TryFromTokens(decimal.Parse(text, CultureInfo.InvariantCulture), out TokenPrice price));
        return price;
    }

    private static int Whole(string text) => text == "-" ? -1 : int.Parse(text, CultureInfo.InvariantCulture);

    private static IEnumerable<string[]> Table(string name) =>
        Block(name).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    /// <summary>The lines of the fenced block of that name.</summary>
    private static string[] Block(string name)
    {
        string[] lines = [.. Page.SkipWhile(line => line != "```" + name).Skip(1).TakeWhile(line => line != "```")];
        Assert.NotEmpty(lines);
        return lines;
    }

    private static string FindPage()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string page = Path.Combine(folder.FullName, "docs", "scoring.md");
            if (File.Exists(page))
            {
                return page;
            }
        }
        throw new FileNotFoundException("docs/scoring.md is in no folder above the tests");
    }
}
