using System.Text.RegularExpressions;

namespace PoolHub.Tests.Style;

/// <summary>Data flows one way: what a folder may know is written here, and its using lines are held against it.</summary>
public sealed partial class ArrowTests
{
    private static readonly Dictionary<string, string[]> s_mayKnow = new(StringComparer.Ordinal)
    {
        ["Settings"] = [],
        ["Http"] = [],
        ["Storage"] = ["Settings"],
        ["Access"] = ["Settings", "Http", "Storage"],
        ["Matching"] = ["Settings", "Http", "Access"],
        ["Trust"] = ["Settings", "Http", "Access", "Storage"],
        ["Registry"] = ["Settings", "Matching", "Trust", "Storage"],
        ["Sessions"] = ["Settings", "Http", "Access", "Storage", "Trust", "Registry"],
        ["Gateway"] = ["Settings", "Http", "Access", "Sessions"],
        ["Operations"] = ["Settings", "Http", "Storage", "Access", "Matching", "Trust", "Registry", "Sessions", "Gateway"],
    };

    [Fact]
    public void Folder_knows_only_those_below_it()
    {
        List<string> wrong = [];
        foreach ((string path, string[] lines) in Sources.Files("PoolHub.Daemon"))
        {
            string[] parts = path.Split('/');
            if (parts.Length < 3)
            {
                // The table of contents knows everything.
                continue;
            }
            Assert.True(s_mayKnow.ContainsKey(parts[1]), $"{parts[1]}/ is a new folder: say here what it may know");
            wrong.AddRange(lines.Select(line => Using().Match(line))
                .Where(m => m.Success && m.Groups[1].Value != parts[1] && !s_mayKnow[parts[1]].Contains(m.Groups[1].Value))
                .Select(m => $"{path}: {m.Value}"));
        }
        Assert.Empty(wrong);
    }

    /// <summary>An index that knows no socket, HTTP or storage can be tested, and measured, with no host.</summary>
    [Fact]
    public void Index_knows_the_protocol_and_nothing_else()
    {
        Assert.Empty(Sources.Files("PoolHub.Daemon/Matching")
            .Where(file => !file.Path.EndsWith("Endpoint.cs", StringComparison.Ordinal)
                && !file.Path.EndsWith("Options.cs", StringComparison.Ordinal) && !file.Path.EndsWith("Metrics.cs", StringComparison.Ordinal))
            .SelectMany(file => file.Lines.Where(l => l.StartsWith("using ", StringComparison.Ordinal)
                && !l.StartsWith("using System", StringComparison.Ordinal) && !l.StartsWith("using PoolHub.Protocol", StringComparison.Ordinal))
                .Select(l => $"{file.Path}: {l}")));
    }

    [Fact]
    public void Protocol_knows_MessagePack_and_nothing_else()
    {
        Assert.Empty(Sources.Files("PoolHub.Protocol")
            .SelectMany(file => file.Lines.Where(l => l.StartsWith("using ", StringComparison.Ordinal)
                && !l.StartsWith("using System", StringComparison.Ordinal) && !l.StartsWith("using PoolHub.Protocol", StringComparison.Ordinal)
                && !l.StartsWith("using MessagePack", StringComparison.Ordinal))
                .Select(l => $"{file.Path}: {l}")));
    }

    [GeneratedRegex(@"^using (?:static )?PoolHub\.Daemon\.(\w+)")]
    private static partial Regex Using();
}
