using PoolHub.Daemon.Operations;

namespace PoolHub.Tests.Operations;

public sealed class ReloadSocketTests : IDisposable
{
    private readonly string _dir = Directory.CreateTempSubdirectory("poolhub-reload-").FullName;

    public void Dispose() => Directory.Delete(_dir, recursive: true);

    [Fact]
    public async Task Whoever_asks_hears_what_is_wrong_each_time_anew()
    {
        string[] problems = [];
        int times = 0;
        await using ReloadSocket? socket = ReloadSocket.Open(_dir, () =>
        {
            times++;
            return problems;
        });
        Assert.Empty(await ReloadSocket.AskAsync(_dir));
        problems = ["MATCH_HOLD_MS: must be\na number", "unknown setting"];
        Assert.Equal(["MATCH_HOLD_MS: must be a number", "unknown setting"], await ReloadSocket.AskAsync(_dir));
        problems = [];
        Assert.Empty(await ReloadSocket.AskAsync(_dir));
        Assert.Equal(3, times);
    }

    [Fact]
    public async Task Where_no_hub_runs_the_asker_is_told()
    {
        Assert.Null(ReloadSocket.Open(null, () => []));
        string said = Assert.Single(await ReloadSocket.AskAsync(_dir));
        Assert.StartsWith($"no running hub answers at {_dir}/reload.sock", said, StringComparison.Ordinal);
        await using (ReloadSocket.Open(_dir, () => []))
        {
            Assert.Empty(await ReloadSocket.AskAsync(_dir));
        }
        Assert.Empty(Directory.GetFiles(_dir));
    }
}
