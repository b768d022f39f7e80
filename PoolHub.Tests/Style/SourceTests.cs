using System.Text.RegularExpressions;

namespace PoolHub.Tests.Style;

public sealed partial class SourceTests
{
    /// <summary>About 300: what is longer explains more than one thing.</summary>
    private const int MaxLines = 310;

    [Fact]
    public void File_is_short_enough_to_be_read_at_once() =>
        Assert.Empty(Sources.Files().Where(f => f.Lines.Length > MaxLines).Select(f => $"{f.Path}: {f.Lines.Length} lines"));

    [Fact]
    public void Log_message_has_a_name_of_its_own()
    {
        string[] names = [.. Sources.Files("PoolHub.Daemon")
            .SelectMany(f => LogMethod().Matches(string.Join('\n', f.Lines)).Select(m => m.Groups[1].Value))];
        Assert.NotEmpty(names);
        Assert.Empty(names.GroupBy(n => n).Where(g => g.Count() > 1).Select(g => g.Key));
    }

    [Fact]
    public void Nothing_is_left_undone()
    {
        string[] odd = ["TO" + "DO", "FIX" + "ME", "NotImplemented" + "Exception", "async " + "void", "Thread." + "Sleep"];
        Assert.Empty(Sources.Files()
            .SelectMany(f => f.Lines.Select((line, i) => (f.Path, line, Number: i + 1)))
            .Where(l => odd.Any(o => l.line.Contains(o, StringComparison.Ordinal)))
            .Select(l => $"{l.Path}:{l.Number}: {l.line.Trim()}"));
    }

    /// <summary>What ends at the first difference tells by its time how much was right.</summary>
    [Fact]
    public void Secret_is_compared_in_constant_time()
    {
        (string Path, string[] Lines)[] files = [.. Sources.Files("PoolHub.Daemon/Access").Concat(Sources.Files("PoolHub.Daemon/Sessions"))];
        Assert.Contains(files, f => f.Lines.Any(line => line.Contains("CryptographicOperations.FixedTimeEquals", StringComparison.Ordinal)));
        Assert.Empty(files.SelectMany(f => f.Lines.Where(line => SecretComparison().IsMatch(line)).Select(line => $"{f.Path}: {line.Trim()}")));
    }

    [GeneratedRegex(@"(?i:secret|api_?key|token|hash|signature|digest)\w*(\.\w+|\[[^\]]*\])*(?<!\.(?:Length|Count))\s*([=!]=\s*(?!null\b)|\.(Sequence)?Equals\()|\.SequenceEqual\(|string\.Equals\(")]
    private static partial Regex SecretComparison();

    [GeneratedRegex(@"\[LoggerMessage\([^\]]*\)\]\s*\w+ static partial void (\w+)\(")]
    private static partial Regex LogMethod();
}
