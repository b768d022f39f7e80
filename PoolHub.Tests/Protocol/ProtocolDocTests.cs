using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;

namespace PoolHub.Tests.Protocol;

/// <summary>docs/protocol.md is normative, so it must say what the code does.</summary>
public sealed partial class ProtocolDocTests
{
    private static readonly string s_doc = File.ReadAllText(DocPath());

    [Fact]
    public void ProtocolDoc_conversation_has_the_bytes_of_the_golden_vectors()
    {
        Dictionary<string, string> blocks = HexBlock().Matches(s_doc).ToDictionary(
            block => block.Groups["name"].Value,
            block => string.Concat(block.Groups["lines"].Value.Split('\n').Select(line => line.Split('#')[0].Replace(" ", "", StringComparison.Ordinal))));
        foreach (GoldenVector vector in GoldenVectors.All.Where(it => it.Name.StartsWith("conversation/", StringComparison.Ordinal)))
        {
            var frame = new ArrayBufferWriter<byte>();
            Frame.WriteBody(frame, vector.Body);
            Assert.True(blocks.Remove(vector.Name, out string? hex), $"{vector.Name} is not in the document");
            Assert.Equal(Convert.ToHexStringLower(frame.WrittenSpan), hex);
        }
        Assert.Empty(blocks);
    }

    [Fact]
    public void ProtocolDoc_tables_list_the_fields_of_every_message_in_order()
    {
        foreach (MessageNumber number in Enum.GetValues<MessageNumber>())
        {
            string section = Section($"### {(int)number} {number}\n");
            string[] documented = [.. FieldRow().Matches(section).Select(row => row.Groups["field"].Value)];
            JsonNode vector = GoldenVectors.ToJson().First(it => (int)it!["number"]! == (int)number)!;
            Assert.Equal(vector["fields"]!.AsObject().Select(field => field.Key), documented);
            Assert.Equal(Enumerable.Range(1, documented.Length), FieldRow().Matches(section).Select(row => int.Parse(row.Groups["index"].Value)));
        }
    }

    [Fact]
    public void ProtocolDoc_lists_every_close_reason() => Assert.Equal(
        Enum.GetValues<CloseReason>().Select(reason => $"{(int)reason} {reason.Name()}"),
        FieldRow().Matches(Section("## Close reasons\n")).Select(row => $"{row.Groups["index"].Value} {row.Groups["field"].Value}"));

    [Fact]
    public void ProtocolDoc_lists_every_error_code() => Assert.Equal(
        Enum.GetValues<ErrorCode>().Select(code => $"{(int)code} {SnakeCase(code.ToString())}"),
        FieldRow().Matches(Section("## Error codes\n")).Select(row => $"{row.Groups["index"].Value} {row.Groups["field"].Value}"));

    [Fact]
    public void ProtocolDoc_lists_every_command()
    {
        foreach (CommandKind kind in Enum.GetValues<CommandKind>())
        {
            Assert.Contains($"| {(int)kind} | `{SnakeCase(kind.ToString())}` |", Section("### 10 Command\n"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ProtocolDoc_shows_a_key_that_is_well_formed() =>
        Assert.Equal(MinerKeyForm.WellFormed, MinerKey.Check(Regex.Match(Section("## Keys\n"), "phk_[A-Za-z0-9_-]{49}").Value));

    [Theory]
    [InlineData("3 Register", "1 to 255", Limits.AddrChars)]
    [InlineData("3 Register", "0 to 65,536", Limits.MaxGpuVramGb)]
    [InlineData("3 Register", "0 to 1,048,576", Limits.MaxRamGb)]
    [InlineData("3 Register", "1 to 10,000", Limits.MaxParallel)]
    [InlineData("3 Register", "16 terms", Limits.MaxAccel)]
    [InlineData("3 Register", "64 terms", Limits.MaxTags)]
    [InlineData("3 Register", "256 terms", Limits.MaxCapabilities)]
    [InlineData("5 Heartbeat", "0 to 1,000,000", Limits.MaxQueueLen)]
    [InlineData("5 Heartbeat", "0 to 3,600,000", Limits.MaxLatencyMs)]
    [InlineData("5 Heartbeat", "−100 to 1,000", Limits.MaxTempC)]
    [InlineData("7 Update", "1,024 of 128", Limits.MaxCurrentJobs)]
    public void ProtocolDoc_ranges_are_the_limits(string section, string range, double limit)
    {
        Assert.Contains(range, Section($"### {section}\n"), StringComparison.Ordinal);
        Assert.Contains(limit.ToString("#,0"), range, StringComparison.Ordinal);
    }

    private static string Section(string heading)
    {
        int start = s_doc.IndexOf("\n" + heading, StringComparison.Ordinal);
        Assert.True(start >= 0, $"no section {heading}");
        int end = NextHeading().Match(s_doc, start + heading.Length) is { Success: true } next ? next.Index : s_doc.Length;
        return s_doc[start..end];
    }

    private static string SnakeCase(string name) => Regex.Replace(name, "(?<=[a-z])[A-Z]", "_$0").ToLowerInvariant();

    private static string DocPath([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "docs", "protocol.md");

    [GeneratedRegex("```hex (?<name>\\S+)\n(?<lines>[^`]*)```")]
    private static partial Regex HexBlock();

    [GeneratedRegex(@"^\| (?<index>\d+) \| `(?<field>\w+)` \| (?!`price_e8`:|`tags`:|`on`:|`addr`:)", RegexOptions.Multiline)]
    private static partial Regex FieldRow();

    [GeneratedRegex("\n##+ ")]
    private static partial Regex NextHeading();
}
