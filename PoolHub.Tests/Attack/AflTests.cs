using PoolHub.Tests.EndToEnd;
using PoolHub.Tests.Style;

namespace PoolHub.Tests.Attack;

/// <summary>docs/security.md: what <see cref="MessageFuzzTests"/> promises, looked for by what sees where an input leads.</summary>
[Collection<Alone>]
[Trait("Category", "Long")]
public sealed class AflTests
{
    [Fact]
    public async Task Message_that_afl_spoils_is_refused_or_within_its_limits()
    {
        AflFindings found = await AflProcess.RunAsync(TimeSpan.FromSeconds(60));
        Effort.Print($"afl++: {found.Runs:N0} inputs in 60 s, {found.Ways.Length} new ways through the reader, {found.Faults.Length} faults");
        if (Environment.GetEnvironmentVariable("POOLHUB_TEST_KEEP_WAYS") is not null)
        {
            // From then on every campaign begins with them, too.
            await File.AppendAllLinesAsync(Path.Combine(Sources.Root, WireCorpus.FoundByAfl), found.Ways, TestContext.Current.CancellationToken);
        }
        Assert.Empty(found.Faults);
        Assert.True(found.Runs > 60_000, $"only {found.Runs} inputs in 60 s");
    }

    [Fact]
    public async Task Fault_that_is_planted_is_found_by_afl()
    {
        AflFindings found = await AflProcess.RunAsync(TimeSpan.FromSeconds(20), WireCorpus.Messages.Max(seed => seed.Bytes.Length));
        Assert.NotEmpty(found.Faults);
    }
}
