using PoolHub.Daemon.Storage;
using PoolHub.Daemon.Trust;
using PoolHub.Tests.Registry;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Trust;

/// <summary>Trust that an admin takes back is that of a miner that nobody knows, whatever is being learnt meanwhile.</summary>
public sealed class TrustResetTests
{
    private static readonly AuditEntry s_audit = new(DateTimeOffset.UnixEpoch, "carol", "", AuditEntry.TrustReset, "m", "");

    private readonly HandClock _clock = new();
    private readonly MemoryStore _store = new();
    private readonly TrustBook _book;

    public TrustResetTests() => _book = new TrustBook(new TrustModel(new TrustOptions()), _store, _clock, () => 100);

    [Fact]
    public async Task Reset_forgets_what_was_learnt_and_ends_the_ejection()
    {
        List<string> told = [];
        _book.StandingChanged += told.Add;
        await FailAsync("a", 5);
        Assert.True(_book.IsEjected("m"));
        told.Clear();
        await _book.ResetAsync("m", s_audit);
        Assert.Equal((0.5, false, 0), (_book.Score("m"), _book.IsEjected("m"), _book.EjectedCount));
        Assert.Equal(["m"], told);
        await FailAsync("b", 4);
        Assert.False(_book.IsEjected("m"));
        await FailAsync("c", 1);
        Assert.Equal(30, (_book.EjectedUntil("m")!.Value - _clock.GetUtcNow()).TotalSeconds);
    }

    [Fact]
    public async Task Unmatched_report_moves_nothing()
    {
        TrustReceipt receipt = await _book.RecordAsync(Failure("j") with { Matched = false });
        Assert.Equal((true, 0.5), (receipt.Recorded, receipt.Score));
    }

    private async Task FailAsync(string job, int times)
    {
        for (int i = 0; i < times; i++)
        {
            _ = await _book.RecordAsync(Failure($"{job}{i}"));
        }
    }

    private StoredFeedback Failure(string job) => new(job, "m", Outcomes.Failed, null, null, null, _clock.GetUtcNow());
}
