using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging.Abstractions;
using PoolHub.Daemon.Storage;
using PoolHub.Daemon.Storage.Postgres;
using PoolHub.Tests.Support;
using static PoolHub.Tests.Storage.StoreSamples;

namespace PoolHub.Tests.Storage;

public sealed class PostgresHubStoreTests : HubStoreTests, IAsyncLifetime
{
    [SuppressMessage("Usage", "CA2213", Justification = "All tests share it.")]
    private PostgresServer _server = null!;
    private string _dsn = "";

    public async ValueTask InitializeAsync()
    {
        _server = await PostgresServer.SharedAsync();
        _dsn = await _server.CreateDatabaseAsync();
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private protected override async Task<IHubStore> OpenAsync() => await OpenPostgresAsync();

    [Fact]
    public async Task Writes_of_a_thousand_callers_share_a_few_commits()
    {
        await using PostgresHubStore store = await OpenPostgresAsync();
        await Task.WhenAll(Enumerable.Range(0, 1_000).Select(
            i => Task.Run(() => store.SaveKeysAsync($"m{i}", new StoredKeys([1]), Noon), Cancel)));
        Assert.Equal(1_000, store.Figures.Writes);
        Assert.InRange(store.Figures.Commits, 1, 300);
    }

    [Fact]
    public async Task Write_is_refused_when_the_queue_is_full_and_the_rest_is_kept()
    {
        await using PostgresHubStore store = await OpenPostgresAsync();
        await store.SaveKeysAsync("m", new StoredKeys([1]), Noon);
        using (var held = new HeldWriter(store))
        {
            Task[] accepted = [.. Enumerable.Range(0, PostgresQueue.Capacity).Select(i => store.SaveEpochAsync("m", i))];
            await Assert.ThrowsAsync<StoreUnavailableException>(() => store.SaveEpochAsync("m", long.MaxValue));
            await held.ReleaseAsync();
            await Task.WhenAll(accepted);
        }
        Assert.Equal(PostgresQueue.Capacity - 1, Assert.Single(await store.LoadAsync(Cancel)).Epoch);
    }

    [Fact]
    public async Task Write_that_the_database_refuses_leaves_its_group_standing()
    {
        await using PostgresHubStore store = await OpenPostgresAsync();
        await store.SaveKeysAsync("m", new StoredKeys([1]), Noon);
        using (var held = new HeldWriter(store))
        {
            Task before = store.SaveKeysAsync("before", new StoredKeys([1]), Noon);
            Task<FeedbackReceipt> bad = store.RecordFeedbackAsync(Feedback("j"), _ => throw new InvalidTimeZoneException());
            Task unwritable = store.SaveKeysAsync("a\0b", new StoredKeys([1]), Noon);
            Task<FeedbackReceipt> good = store.RecordFeedbackAsync(Feedback("k"), state => state with { Good = 2 });
            Task after = store.SaveKeysAsync("after", new StoredKeys([1]), Noon);
            await held.ReleaseAsync();
            await Task.WhenAll(before, after);
            await Assert.ThrowsAsync<InvalidTimeZoneException>(() => bad);
            await Assert.ThrowsAsync<StoreUnavailableException>(() => unwritable);
            Assert.True((await good).Recorded);
        }
        IReadOnlyList<StoredMiner> miners = await store.LoadAsync(Cancel);
        Assert.Equal(["after", "before", "m"], miners.Select(m => m.MinerId).Order());
        Assert.Equal(2, miners.Single(m => m.MinerId == "m").Trust.Good);
    }

    [Fact]
    public async Task Writes_of_one_miner_keep_their_order()
    {
        await using PostgresHubStore store = await OpenPostgresAsync();
        await store.SaveKeysAsync("m", new StoredKeys([0]), Noon);
        using (var held = new HeldWriter(store))
        {
            Task[] writes =
            [
                store.SaveRegistrationAsync("m", Full, 1, new StoredKeys([1]), Noon),
                store.SaveKeysAsync("m", new StoredKeys([2]), Noon),
                store.SaveRegistrationAsync("m", Bare, 2, null, Noon),
                store.SavePriceOverrideAsync("m", new PriceOverride(Full.Price, null), Noon),
                store.SavePriceOverrideAsync("m", null, Noon),
            ];
            await held.ReleaseAsync();
            await Task.WhenAll(writes);
        }
        StoredMiner miner = Assert.Single(await store.LoadAsync(Cancel));
        AssertProfile(Bare, miner.Profile);
        Assert.Equal([2], miner.Keys.Current);
        Assert.Null(miner.Price);
    }

    [Fact]
    public async Task Sessions_of_one_group_begin_idle_each_by_its_own_epoch()
    {
        await using PostgresHubStore store = await OpenPostgresAsync();
        await Task.WhenAll(
            store.SaveRegistrationAsync("m", Full, 1, null, Noon), store.SaveRegistrationAsync("old", Full, 7, null, Noon),
            store.SaveRegistrationAsync("new", Full, 1, null, Noon));
        await store.SaveStatusesAsync([new("old", 3, true, null, null, null, Noon), new("new", 3, true, null, null, null, Noon)]);
        using (var held = new HeldWriter(store))
        {
            Task[] writes =
            [
                store.SaveRegistrationAsync("old", Full, 7, null, Noon),
                store.SaveRegistrationAsync("new", Full, 2, null, Noon),
                store.SaveDrainingAsync("new", true),
                store.SaveDrainingAsync("new", false),
                store.SaveDrainingAsync("old", true),
            ];
            await held.ReleaseAsync();
            await Task.WhenAll(writes);
        }
        StoredMiner[] miners = [.. (await store.LoadAsync(Cancel)).Where(m => m.Status is not null).OrderBy(m => m.MinerId, StringComparer.Ordinal)];
        Assert.Equal([(0, false, false), (3, true, true)], miners.Select(m => (m.Status!.Value.QueueLen, m.Status.Value.Busy, m.Draining)));
    }

    [Fact]
    public async Task Database_of_another_hub_is_refused()
    {
        await using PostgresHubStore store = await OpenPostgresAsync();
        await using var database = new PostgresDatabase(Parse(_dsn));
        StoreRefusedException refusal = await Assert.ThrowsAsync<StoreRefusedException>(() => database.OpenAsOwnerAsync(patient: false, Cancel));
        Assert.Contains("is held by another poolhubd", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Daemons_that_start_at_once_take_each_step_once()
    {
        int[] versions = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(
            () => PostgresHubStore.MigrateAsync(Parse(_dsn), NullLogger<PostgresHubStore>.Instance), Cancel)));
        Assert.All(versions, v => Assert.Equal(PostgresMigrations.Newest, v));
        Assert.Equal((long)PostgresMigrations.Newest, await _server.SqlAsync(_dsn, "SELECT count(*) FROM poolhub.schema_version"));
    }

    [Fact]
    public async Task Database_of_a_newer_daemon_is_refused_and_left_as_it_was()
    {
        await (await OpenPostgresAsync()).DisposeAsync();
        await _server.SqlAsync(_dsn, "INSERT INTO poolhub.schema_version (version) VALUES (99)");
        StoreRefusedException refusal = await Assert.ThrowsAsync<StoreRefusedException>(OpenPostgresAsync);
        Assert.Contains("was written by a newer poolhubd (its schema is version 99", refusal.Message, StringComparison.Ordinal);
        AssertSecret(refusal);
    }

    [Fact]
    public async Task Role_without_a_schema_is_told_how_to_get_one()
    {
        await _server.SqlAsync(_dsn, "DROP SCHEMA poolhub");
        StoreRefusedException refusal = await Assert.ThrowsAsync<StoreRefusedException>(OpenPostgresAsync);
        Assert.Contains("CREATE SCHEMA poolhub AUTHORIZATION", refusal.Message, StringComparison.Ordinal);
        AssertSecret(refusal);
    }

    [Fact]
    public async Task Database_that_does_not_exist_is_refused()
    {
        string dsn = _dsn[..(_dsn.LastIndexOf('/') + 1)] + "nowhere";
        StoreRefusedException refusal = await Assert.ThrowsAsync<StoreRefusedException>(
            () => PostgresHubStore.OpenAsync(Parse(dsn), TimeProvider.System, NullLogger<PostgresHubStore>.Instance, cancel: Cancel));
        Assert.Contains("nowhere", refusal.Message, StringComparison.Ordinal);
        AssertSecret(refusal);
    }

    [Fact]
    public async Task Socket_is_as_good_as_a_port()
    {
        string name = _dsn[(_dsn.LastIndexOf('/') + 1)..];
        foreach (string dsn in (string[])[
            $"postgresql://{name}@{Uri.EscapeDataString(_server.SocketDirectory)}:{_server.Port}/{name}",
            $"host={_server.SocketDirectory} port={_server.Port} dbname={name} user={name} password='it is not asked'"])
        {
            await using PostgresHubStore store = await PostgresHubStore.OpenAsync(Parse(dsn), TimeProvider.System, NullLogger<PostgresHubStore>.Instance, cancel: Cancel);
            Assert.Empty(await store.LoadAsync(Cancel));
        }
    }

    [Theory]
    [InlineData("53100", "is away: no more")]
    [InlineData("P0001", "refuses it: no more")]
    public async Task Import_that_the_database_fails_says_why_and_leaves_nothing(string state, string why)
    {
        await using PostgresHubStore store = await OpenPostgresAsync();
        await _server.SqlAsync(_dsn, $"""
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no more' USING ERRCODE = '{state}'; END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON poolhub.feedback FOR EACH ROW EXECUTE FUNCTION refuse();
            """);
        var miner = new StoredMiner("m", Full, 1, 1, new StoredKeys([1]), TrustState.None, null, Noon);
        Exception refusal = await Assert.ThrowsAnyAsync<StoreUnavailableException>(
            () => store.ImportAsync([new ArchiveBatch([miner], [], []), new ArchiveBatch([], [Feedback("j")], [])]));
        Assert.Contains(why, refusal.Message, StringComparison.Ordinal);
        AssertSecret(refusal);
        Assert.Empty(await store.LoadAsync(Cancel));
    }

    [Fact]
    public async Task Export_that_the_database_fails_says_why()
    {
        await using PostgresHubStore store = await OpenPostgresAsync();
        await _server.SqlAsync(_dsn, "DROP TABLE poolhub.feedback");
        foreach (Func<Task> part in (Func<Task>[])[
            () => store.CountFeedbackAsync(Cancel), async () => await store.ReadFeedbackAsync(Cancel).GetAsyncEnumerator(Cancel).MoveNextAsync()])
        {
            StoreUnavailableException refusal = await Assert.ThrowsAsync<StoreUnavailableException>(part);
            Assert.Contains("refuses it: relation \"poolhub.feedback\" does not exist", refusal.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Schema_has_its_tables_and_indexes()
    {
        await (await OpenPostgresAsync()).DisposeAsync();
        Assert.Equal("audit,feedback,miner_status,miners,price_overrides,schema_version", await _server.SqlAsync(
            _dsn, "SELECT string_agg(tablename, ',' ORDER BY tablename) FROM pg_tables WHERE schemaname = 'poolhub'"));
        foreach ((string index, string part) in ((string, string)[])[
            ("idx_miners_region_caps_gte_vram", "USING gin (capabilities, tags) WHERE"),
            ("idx_status_updated_at", "(updated_at)"),
            ("idx_feedback_miner", "(miner_id, id)")])
        {
            Assert.Contains(part, (string?)await _server.SqlAsync(
                _dsn, $"SELECT indexdef FROM pg_indexes WHERE schemaname = 'poolhub' AND indexname = '{index}'"), StringComparison.Ordinal);
        }
        foreach ((string column, string type) in ((string, string)[])[
            ("base_price", "numeric(20,8)"), ("tags", "jsonb"), ("created_at", "timestamp with time zone"), ("trust_score", "double precision")])
        {
            Assert.Equal(type, await _server.SqlAsync(
                _dsn, $"SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'poolhub.miners'::regclass AND attname = '{column}'"));
        }
    }

    [Fact]
    public async Task Server_that_answers_before_the_disk_is_told_not_to()
    {
        await _server.SqlAsync(_dsn, $"ALTER DATABASE {_dsn[(_dsn.LastIndexOf('/') + 1)..]} SET synchronous_commit = off");
        await using var database = new PostgresDatabase(Parse(_dsn));
        await using Npgsql.NpgsqlConnection connection = await database.OpenAsync(Cancel);
        await using var ask = new Npgsql.NpgsqlCommand("SHOW synchronous_commit", connection);
        Assert.Equal("on", await ask.ExecuteScalarAsync(Cancel));
    }

    private static PostgresDsn Parse(string dsn)
    {
        Assert.True(PostgresDsn.TryParse(dsn, out PostgresDsn? read, out string? problem), problem);
        return read;
    }

    private Task<PostgresHubStore> OpenPostgresAsync() =>
        PostgresHubStore.OpenAsync(Parse(_dsn), TimeProvider.System, NullLogger<PostgresHubStore>.Instance, cancel: Cancel);

    private static void AssertSecret(Exception e) => Assert.DoesNotContain("p@ss", e.ToString(), StringComparison.Ordinal);
}
