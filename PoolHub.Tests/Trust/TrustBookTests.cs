using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using PoolHub.Daemon.Storage;
using PoolHub.Daemon.Trust;
using PoolHub.Protocol;
using PoolHub.Tests.Storage;

namespace PoolHub.Tests.Trust;

/// <summary>The book over a real store.</summary>
public sealed class TrustBookTests : IAsyncDisposable
{
    private readonly string _dir = Directory.CreateTempSubdirectory("poolhub-trust-").FullName;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2025, 6, 2, 12, 0, 0, TimeSpan.Zero));
    private readonly ConcurrentQueue<string> _told = [];
    private SqliteHubStore _store;
    private TrustBook _book;
    private int _fleet = 100;
    private int _job;

    public TrustBookTests()
    {
        _store = OpenStore();
        _book = NewBook();
    }

    private DateTimeOffset Now => _time.GetUtcNow();

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        Directory.Delete(_dir, recursive: true);
    }

    [Fact]
    public void Miner_unheard_of_has_a_half_and_is_not_ejected()
    {
        Assert.Equal(0.5, _book.Score("m"));
        Assert.False(_book.IsEjected("m"));
        Assert.Null(_book.EjectedUntil("m"));
    }

    [Fact]
    public async Task Feedback_moves_the_score_and_tells_of_it()
    {
        await KnowAsync("m");
        TrustReceipt receipt = await RecordAsync("m", "completed");
        Assert.Equal(new TrustReceipt(true, 6.0 / 11, null), receipt);
        Assert.Equal(6.0 / 11, _book.Score("m"));
        Assert.Equal(["m"], _told);
    }

    [Fact]
    public async Task Feedback_given_twice_changes_and_tells_nothing()
    {
        await KnowAsync("m");
        var feedback = new StoredFeedback("j", "m", "completed", null, null, null, Now);
        await _book.RecordAsync(feedback);
        TrustReceipt again = await _book.RecordAsync(feedback);
        Assert.Equal(new TrustReceipt(false, 6.0 / 11, null), again);
        Assert.Single(_told);
    }

    [Fact]
    public async Task Feedback_that_teaches_nothing_tells_nothing()
    {
        await KnowAsync("m");
        await RecordAsync("m", "accepted");
        await RecordAsync("m", "failed", "bad_input");
        Assert.Empty(_told);
    }

    [Fact]
    public async Task Feedback_that_the_store_refuses_changes_nothing()
    {
        await Assert.ThrowsAsync<UnknownMinerException>(() => RecordAsync("m", "completed"));
        await _store.DisposeAsync();
        await Assert.ThrowsAsync<StoreUnavailableException>(() => RecordAsync("m", "completed"));
        Assert.Equal(0.5, _book.Score("m"));
        Assert.Empty(_told);
    }

    [Fact]
    public async Task Failures_in_a_row_eject_until_a_sweep_ends_it()
    {
        await KnowAsync("m");
        await FailAsync("m", 4);
        Assert.False(_book.IsEjected("m"));
        TrustReceipt fifth = await RecordAsync("m", "failed");
        Assert.Equal(Now.AddSeconds(30), fifth.EjectedUntil);
        Assert.True(_book.IsEjected("m"));
        Assert.Equal(5, _told.Count);

        _time.Advance(TimeSpan.FromSeconds(29));
        _book.Sweep(Now);
        Assert.True(_book.IsEjected("m"));
        Assert.Equal(5, _told.Count);

        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(_book.IsEjected("m"));
        _book.Sweep(Now);
        Assert.Equal(6, _told.Count);
        Assert.Equal(0, _book.EjectedCount);

        await FailAsync("m", 5);
        Assert.Equal(Now.AddSeconds(60), _book.EjectedUntil("m"));
    }

    [Fact]
    public async Task Small_fleet_keeps_everyone()
    {
        _fleet = 9;
        await KnowAsync("m");
        await FailAsync("m", 50);
        Assert.Null(_book.EjectedUntil("m"));
        Assert.InRange(_book.Score("m"), 0, 0.1);
    }

    [Fact]
    public async Task Many_that_fail_in_one_commit_eject_no_more_than_a_tenth()
    {
        _fleet = 40;
        string[] miners = [.. Enumerable.Range(0, 40).Select(i => $"m{i}").Append("m")];
        await Task.WhenAll(miners.Select(KnowAsync));
        using (var held = new HeldWriter(_store))
        {
            Task[] failures = [.. miners.SelectMany(miner => Enumerable.Range(0, 5).Select(_ => RecordAsync(miner, "failed")))];
            await held.ReleaseAsync();
            await Task.WhenAll(failures);
        }
        Assert.Equal(4, _book.EjectedCount);
        Assert.Equal(4, miners.Count(miner => _book.IsEjected(miner)));
    }

    [Fact]
    public async Task Ejection_whose_commit_fails_gives_its_place_back()
    {
        _fleet = 10;
        await KnowAsync("a");
        await FailAsync("a", 4);
        var failing = new FailingAfterLearning(_store);
        var onFailing = new TrustBook(new TrustModel(new TrustOptions()), failing, _time, () => _fleet);
        var fifth = new StoredFeedback("j", "a", "failed", null, null, null, Now);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => onFailing.RecordAsync(fifth));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => onFailing.RecordAsync(fifth));
        Assert.False(onFailing.IsEjected("a"));
        // The one place of a fleet of ten was free again the second time.
        Assert.Equal([Now.AddSeconds(30), Now.AddSeconds(30)], failing.Learnt.Select(state => state.EjectedUntil!.Value));
    }

    [Fact]
    public async Task Fleet_that_shrinks_takes_back_those_whose_ejection_ends_first()
    {
        await Task.WhenAll(KnowAsync("a"), KnowAsync("b"));
        await FailAsync("a", 5);
        _time.Advance(TimeSpan.FromSeconds(1));
        await FailAsync("b", 5);
        _told.Clear();
        _fleet = 19;
        _book.Sweep(Now);
        Assert.Equal(["a"], _told);
        Assert.False(_book.IsEjected("a"));
        Assert.True(_book.IsEjected("b"));
    }

    [Fact]
    public async Task Standings_survive_a_restart()
    {
        await Task.WhenAll(KnowAsync("good"), KnowAsync("bad"));
        await RecordAsync("good", "completed");
        await FailAsync("bad", 5);
        await RestartAsync();
        Assert.Equal(6.0 / 11, _book.Score("good"));
        Assert.Equal(5.0 / 15, _book.Score("bad"));
        Assert.Equal(Now.AddSeconds(30), _book.EjectedUntil("bad"));
        _time.Advance(TimeSpan.FromSeconds(30));
        _book.Sweep(Now);
        Assert.Equal("bad", _told.Last());
        Assert.False(_book.IsEjected("bad"));
    }

    [Fact]
    public async Task Sweep_tells_of_scores_that_have_drifted()
    {
        await Task.WhenAll(KnowAsync("m"), KnowAsync("still"));
        for (int i = 0; i < 10; i++)
        {
            await RecordAsync("m", "completed");
        }
        _told.Clear();
        double told = _book.Score("m");
        for (int hour = 0; hour < 24 * 14; hour++)
        {
            _time.Advance(TimeSpan.FromHours(1));
            _book.Sweep(Now);
            _book.Sweep(Now);
            if (!_told.IsEmpty)
            {
                Assert.Equal(["m"], _told);
                told = _book.Score("m");
                _told.Clear();
            }
            Assert.Equal(told, _book.Score("m"), TrustBook.ToldDrift);
        }
        Assert.Equal(7.5 / 12.5, told, 0.01);
    }

    [Fact]
    public async Task Feedback_from_many_at_once_ends_with_what_is_stored()
    {
        _fleet = 0;
        await Task.WhenAll(KnowAsync("a"), KnowAsync("b"));
        await Task.WhenAll(Enumerable.Range(0, 400).Select(i => Task.Run(
            () => RecordAsync(i % 2 == 0 ? "a" : "b", i % 3 == 0 ? "failed" : "completed"),
            TestContext.Current.CancellationToken)));
        (double a, double b) = (_book.Score("a"), _book.Score("b"));
        await RestartAsync();
        Assert.Equal((a, b), (_book.Score("a"), _book.Score("b")));
        Assert.NotEqual(0.5, a);
    }

    private Task KnowAsync(string minerId) => _store.SaveKeysAsync(minerId, new StoredKeys([1]), Now);

    private Task<TrustReceipt> RecordAsync(string minerId, string outcome, string? failCode = null) =>
        _book.RecordAsync(new StoredFeedback(
            $"j{Interlocked.Increment(ref _job)}", minerId, outcome, null, failCode, null, Now));

    private async Task FailAsync(string minerId, int times)
    {
        for (int i = 0; i < times; i++)
        {
            await RecordAsync(minerId, "failed");
        }
    }

    private async Task RestartAsync()
    {
        await _store.DisposeAsync();
        _store = OpenStore();
        _book = NewBook();
        _book.Load(await _store.LoadAsync(TestContext.Current.CancellationToken));
    }

    private SqliteHubStore OpenStore() => SqliteHubStore.Open(_dir, _time, NullLogger<SqliteHubStore>.Instance);

    private TrustBook NewBook()
    {
        var book = new TrustBook(new TrustModel(new TrustOptions()), _store, _time, () => _fleet);
        book.StandingChanged += _told.Enqueue;
        return book;
    }

    /// <summary>A store whose commit fails after it has learnt.</summary>
    private sealed class FailingAfterLearning(IHubStore inner) : IHubStore
    {
        public ConcurrentQueue<TrustState> Learnt { get; } = [];

        public Task<FeedbackReceipt> RecordFeedbackAsync(StoredFeedback feedback, Func<TrustState, TrustState> learn) =>
            inner.RecordFeedbackAsync(feedback, state =>
            {
                Learnt.Enqueue(learn(state));
                throw new StoreUnavailableException();
            });

        public Task<IReadOnlyList<StoredMiner>> LoadAsync(CancellationToken cancel) => inner.LoadAsync(cancel);
        public Task SaveRegistrationAsync(string minerId, MinerProfile profile, long epoch, StoredKeys? claim, DateTimeOffset at) =>
            inner.SaveRegistrationAsync(minerId, profile, epoch, claim, at);
        public Task SaveKeysAsync(string minerId, StoredKeys keys, DateTimeOffset at, AuditEntry? audit = null) =>
            inner.SaveKeysAsync(minerId, keys, at, audit);
        public Task SaveEpochAsync(string minerId, long epoch) => inner.SaveEpochAsync(minerId, epoch);
        public Task SaveDrainingAsync(string minerId, bool draining, AuditEntry? audit = null) => inner.SaveDrainingAsync(minerId, draining, audit);
        public Task ResetTrustAsync(string minerId, Action forget, AuditEntry audit) => inner.ResetTrustAsync(minerId, forget, audit);
        public Task<IReadOnlyList<FeedbackRow>> ReadFeedbackAsync(string minerId, long before, int limit, CancellationToken cancel) =>
            inner.ReadFeedbackAsync(minerId, before, limit, cancel);
        public Task SaveStatusesAsync(IReadOnlyList<StoredStatus> batch) => inner.SaveStatusesAsync(batch);
        public StoreFigures Figures => inner.Figures;
        public Task SavePriceOverrideAsync(string minerId, PriceOverride? price, DateTimeOffset at, AuditEntry? audit = null) =>
            inner.SavePriceOverrideAsync(minerId, price, at, audit);
        public Task SaveAuditAsync(AuditEntry entry) => inner.SaveAuditAsync(entry);
        public Task<IReadOnlyList<AuditEntry>> ReadAuditAsync(string? minerId, long before, int limit, CancellationToken cancel) =>
            inner.ReadAuditAsync(minerId, before, limit, cancel);
        public Task<int> ForgetAuditAsync(DateTimeOffset before, int limit) => inner.ForgetAuditAsync(before, limit);
        public Task<int> ForgetFeedbackAsync(DateTimeOffset before, int limit) => inner.ForgetFeedbackAsync(before, limit);
        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
