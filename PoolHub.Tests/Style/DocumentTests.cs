using System.Text.RegularExpressions;

namespace PoolHub.Tests.Style;

/// <summary>Documents that name everything there is, and nothing that is not.</summary>
public sealed partial class DocumentTests
{
    [Fact]
    public void Readme_names_every_setting_and_no_other()
    {
        HashSet<string> read = [.. Daemon().SelectMany(text => Setting().Matches(text).Select(m => m.Groups[1].Value + m.Groups[2].Value))];
        // systemd's own words.
        read.Remove("STATE_DIRECTORY");
        read.Remove("CREDENTIALS_DIRECTORY");
        Assert.True(read.Count >= 15, "the settings are no longer read as this test expects");
        HashSet<string> documented = [.. SettingRow().Matches(Sources.Read("README.md")).Select(m => m.Groups[1].Value)];
        documented.Remove("POOLHUB_CONFIG");
        Assert.Equal(read.Order(), documented.Order());
    }

    [Theory]
    [InlineData("packaging/debian/poolhub.env")]
    [InlineData("packaging/debian/man/poolhub.env.5")]
    public void Package_documents_the_settings_of_the_readme_and_no_other(string file)
    {
        HashSet<string> documented = [.. SettingRow().Matches(Sources.Read("README.md")).Select(m => m.Groups[1].Value)];
        HashSet<string> packaged = [.. PackagedSetting().Matches(Sources.Read(file)).Select(m => m.Groups[1].Value)];
        Assert.Equal(documented.Order(), packaged.Order());
    }

    [Fact]
    public void Http_page_names_every_metric_and_no_other()
    {
        HashSet<string> exported = [.. Daemon().SelectMany(text => Metric().Matches(text).Select(m => m.Groups[1].Value))];
        Assert.True(exported.Count >= 12, "the metrics are no longer made as this test expects");
        HashSet<string> documented = [.. MetricName().Matches(Sources.Read("docs/http-api.md")).Select(m => m.Groups[1].Value)];
        Assert.Equal(exported.Order(), documented.Order());
    }

    [Fact]
    public void Http_page_names_every_route_and_no_other()
    {
        HashSet<string> routes = [.. Daemon().SelectMany(text => Route().Matches(text)
            .Select(m => $"{m.Groups[1].Value.ToUpperInvariant()} {m.Groups[2].Value}"))];
        Assert.True(routes.Count >= 12, "the routes are no longer mapped as this test expects");
        string page = Sources.Read("docs/http-api.md");
        HashSet<string> documented = [.. DocumentedRoute().Matches(page).Select(m => m.Groups[1].Value)];
        Assert.Equal(routes.Order(), documented.Order());
    }

    private static IEnumerable<string> Daemon() => Sources.Files("PoolHub.Daemon").Select(f => string.Join('\n', f.Lines));

    [GeneratedRegex(@"\b(?:settings|reader)\.(?:Text|Given|Int32|Choice|List)\(""([A-Z_]+)""|Secrets\(settings, ""([A-Z_]+)""\)")]
    private static partial Regex Setting();

    [GeneratedRegex(@"^\| `([A-Z][A-Z_]+)` \|", RegexOptions.Multiline)]
    private static partial Regex SettingRow();

    [GeneratedRegex(@"^(?:#|\.B )([A-Z][A-Z_]+)=", RegexOptions.Multiline)]
    private static partial Regex PackagedSetting();

    [GeneratedRegex(@"Create(?:Counter|Gauge|Histogram)\(\s*""(poolhub_\w+)""")]
    private static partial Regex Metric();

    [GeneratedRegex(@"`(poolhub_\w+)(?:\{[^`]*\})?`")]
    private static partial Regex MetricName();

    [GeneratedRegex(@"Map(Get|Post|Put|Delete)\(""(/v1/[^""]+)""")]
    private static partial Regex Route();

    [GeneratedRegex(@"`((?:GET|POST|PUT|DELETE) /v1/[a-z_{}/-]+)")]
    private static partial Regex DocumentedRoute();
}
