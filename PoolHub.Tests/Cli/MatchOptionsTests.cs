using System.CommandLine;
using System.Text.Json;
using PoolHub.Cli.Match;
using PoolHub.Cli.Shell;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.Cli;

public sealed class MatchOptionsTests
{
    [Fact]
    public void Flags_become_the_request_that_they_name()
    {
        MatchRequest request = Read(
            "--job-id j1 --task embed --min-vram 8 --min-ram 16.5 --accel cuda,rocm --tag a --tag b --capability x/y --region eu "
            + "--max-price 0.8 --deadline-ms 5000 --top-k 5 --weights cheapest --exclude rig-1,rig-2 --exclude rig-3 "
            + "--spread-by owner --hold-ms 5000",
            explain: true);
        Assert.Equal(
            """
            {"job_id":"j1","requirements":{"task":"embed","min_vram_gb":8,"min_ram_gb":16.5,"accel":["cuda","rocm"],
            "tags_any":["a","b"],"capabilities_any":["x/y"]},"hints":{"region":"eu","max_price":0.8,"deadline_ms":5000},
            "top_k":5,"weights":"cheapest","exclude":["rig-1","rig-2","rig-3"],"spread_by":"owner","explain":"full","hold_ms":5000}
            """.ReplaceLineEndings(""),
            JsonSerializer.Serialize(request, HubJson.Default.MatchRequest));
    }

    [Fact]
    public void No_flags_leave_every_clause_out_and_make_up_a_job()
    {
        MatchRequest request = Read("");
        Assert.True(Guid.TryParse(request.JobId, out _));
        Assert.Equal(
            """{"requirements":{},"hints":{}}""",
            JsonSerializer.Serialize(request with { JobId = null }, HubJson.Default.MatchRequest));
    }

    [Fact]
    public void File_from_standard_input_is_the_whole_request()
    {
        MatchRequest request = Read("--file -", input: """{"job_id":"j","requirements":{"min_vram_gb":24},"top_k":2}""");
        Assert.Equal(("j", 24, 2), (request.JobId, request.Requirements!.MinVramGb, request.TopK));
    }

    [Theory]
    [InlineData("--file - --task embed", "{}", "--task")]
    [InlineData("--file -", "{", "no match request")]
    [InlineData("--file -", """{"requirments":{}}""", "requirments")]
    [InlineData("--file /nowhere/request.json", "", "cannot be read")]
    [InlineData("--max-price -1", "", "--max-price")]
    [InlineData("--top-k 0", "", "--top-k")]
    [InlineData("--hold-ms 600001", "", "--hold-ms")]
    public void Request_that_is_none_is_an_error_of_usage(string line, string input, string named)
    {
        CliException e = Assert.Throws<CliException>(() => Read(line, input: input));
        Assert.Equal(ExitCode.Usage, e.ExitCode);
        Assert.Contains(named, e.Message, StringComparison.Ordinal);
    }

    private static MatchRequest Read(string line, bool explain = false, string input = "")
    {
        var options = new MatchOptions();
        var command = new Command("match");
        options.AddTo(command);
        using var reader = new StringReader(input);
        return options.Read(command.Parse(line), reader, explain);
    }
}
