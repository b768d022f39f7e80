using System.Diagnostics.CodeAnalysis;
using Microsoft.Data.Sqlite;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Storage.Sqlite;

/// <summary>The write connection's prepared statements. Only the writer's thread uses it.</summary>
[SuppressMessage("Usage", "CA2213", Justification = "The commands are disposed of as one; the connection is the file's.")]
internal sealed class SqliteStatements : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly List<SqliteCommand> _all = [];
    private readonly SqliteCommand _begin;
    private readonly SqliteCommand _commit;
    private readonly SqliteCommand _rollback;
    private readonly SqliteCommand _savepoint;
    private readonly SqliteCommand _release;
    private readonly SqliteCommand _rollbackToSavepoint;
    private readonly SqliteCommand _idle;
    private readonly SqliteCommand _register;
    private readonly SqliteCommand _keys;
    private readonly SqliteCommand _epoch;
    private readonly SqliteCommand _draining;
    private readonly SqliteCommand _status;
    private readonly SqliteCommand _trust;
    private readonly SqliteCommand _learn;
    private readonly SqliteCommand _feedback;
    private readonly SqliteCommand _price;
    private readonly SqliteCommand _noPrice;
    private readonly SqliteCommand _forget;
    private readonly SqliteCommand _standing;
    private readonly SqliteCommand _audit;
    private readonly SqliteCommand _forgetAudit;

    public SqliteStatements(SqliteConnection connection)
    {
        _connection = connection;
        // IMMEDIATE takes the write lock at once: a transaction never fails half way because another program took it.
        _begin = Prepare("BEGIN IMMEDIATE", 0);
        _commit = Prepare("COMMIT", 0);
        _rollback = Prepare("ROLLBACK", 0);
        _savepoint = Prepare("SAVEPOINT one_write", 0);
        _release = Prepare("RELEASE one_write", 0);
        _rollbackToSavepoint = Prepare("ROLLBACK TO one_write", 0);
        _idle = Prepare("""
            UPDATE miner_status SET queue_len = 0, busy = 0
            WHERE miner_id = ?1 AND (SELECT registered_epoch FROM miners WHERE miner_id = ?1) < ?2
            """, 2);
        _register = Prepare("""
            INSERT INTO miners (miner_id, created_at, last_seen_at, epoch, registered_epoch, addr, proto, gpu_vram_gb, gpu_name, cpu_cores,
              ram_gb, max_parallel, base_price, tags, capabilities, accel, region, owner)
            VALUES (?1, ?2, ?2, ?3, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
            ON CONFLICT (miner_id) DO UPDATE SET last_seen_at = ?2, epoch = max(epoch, ?3),
              registered_epoch = max(registered_epoch, ?3), addr = ?4, proto = ?5,
              gpu_vram_gb = ?6, gpu_name = ?7, cpu_cores = ?8, ram_gb = ?9, max_parallel = ?10, base_price = ?11,
              tags = ?12, capabilities = ?13, accel = ?14, region = ?15, owner = ?16
            """, 16);
        _keys = Prepare("""
            INSERT INTO miners (miner_id, created_at, api_key_hash, previous_key_hash, previous_key_until, key_issued_at,
              key_rotated_at, key_revoked_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            ON CONFLICT (miner_id) DO UPDATE SET api_key_hash = ?3, previous_key_hash = ?4, previous_key_until = ?5,
              key_issued_at = ?6, key_rotated_at = ?7, key_revoked_at = ?8
            """, 8);
        _epoch = Prepare("UPDATE miners SET epoch = ?2 WHERE miner_id = ?1 AND epoch < ?2", 2);
        _draining = Prepare("UPDATE miners SET draining = ?2 WHERE miner_id = ?1", 2);
        _status = Prepare("""
            INSERT INTO miner_status (miner_id, queue_len, busy, avg_latency_ms, temp_c, mem_free_gb, updated_at, key_used_at)
            SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE EXISTS (SELECT 1 FROM miners WHERE miner_id = ?1)
            ON CONFLICT (miner_id) DO UPDATE SET queue_len = ?2, busy = ?3, avg_latency_ms = ?4, temp_c = ?5,
              mem_free_gb = ?6, updated_at = ?7, key_used_at = coalesce(?8, key_used_at)
            """, 8);
        _trust = Prepare("""
            SELECT trust_good, trust_bad, trust_at, failures_in_a_row, ejections, ejected_until, trust_score
            FROM miners WHERE miner_id = ?1
            """, 1);
        _learn = Prepare("""
            UPDATE miners SET trust_good = ?2, trust_bad = ?3, trust_at = ?4, failures_in_a_row = ?5, ejections = ?6,
              ejected_until = ?7, trust_score = ?8
            WHERE miner_id = ?1
            """, 8);
        _feedback = Prepare("""
            INSERT INTO feedback (job_id, miner_id, outcome, latency_ms, fail_code, tokens_spent, created_at, coordinator, matched)
            SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 WHERE EXISTS (SELECT 1 FROM miners WHERE miner_id = ?2)
            ON CONFLICT (coordinator, job_id, miner_id, outcome) DO UPDATE SET matched = 1, latency_ms = ?4, fail_code = ?5, tokens_spent = ?6
              WHERE NOT matched AND excluded.matched
            """, 9);
        _price = Prepare("""
            INSERT INTO price_overrides (miner_id, price, ends_at, created_at)
            SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM miners WHERE miner_id = ?1)
            ON CONFLICT (miner_id) DO UPDATE SET price = ?2, ends_at = ?3, created_at = ?4
            """, 4);
        _noPrice = Prepare("DELETE FROM price_overrides WHERE miner_id = ?1", 1);
        // Rows are as old as their ids. It needs no index on the time, which every feedback would have to write.
        _forget = Prepare("""
            DELETE FROM feedback WHERE id IN (
              SELECT id FROM (SELECT id, created_at FROM feedback ORDER BY id LIMIT ?2) WHERE created_at < ?1)
            """, 2);
        _standing = Prepare("""
            UPDATE miners SET created_at = ?2, last_seen_at = ?3, epoch = ?4, registered_epoch = ?5, draining = ?6
            WHERE miner_id = ?1
            """, 6);
        _audit = Prepare("INSERT INTO audit (at, who, address, action, miner_id, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)", 6);
        _forgetAudit = Prepare("""
            DELETE FROM audit WHERE id IN (SELECT id FROM (SELECT id, at FROM audit ORDER BY id LIMIT ?2) WHERE at < ?1)
            """, 2);
    }

    public void Begin() => _begin.ExecuteNonQuery();
    public void Commit() => _commit.ExecuteNonQuery();
    public void Rollback() => _rollback.ExecuteNonQuery();
    public void Savepoint() => _savepoint.ExecuteNonQuery();
    public void Release() => _release.ExecuteNonQuery();

    public void RollbackToSavepoint()
    {
        _rollbackToSavepoint.ExecuteNonQuery();
        _release.ExecuteNonQuery();
    }

    public void SaveRegistration(string minerId, MinerProfile profile, long epoch, StoredKeys? claim, DateTimeOffset at)
    {
        // Before it raises the epoch that the session before had registered with.
        Run(_idle, minerId, epoch);
        Run(_register, minerId, Ms(at), epoch, profile.Addr, profile.Proto, profile.GpuVramGb, profile.GpuName,
            profile.CpuCores, profile.RamGb, profile.MaxParallel, profile.Price.E8, StoreJson.Write(profile.Tags),
            StoreJson.Write(profile.Capabilities), StoreJson.Write(profile.Accel), profile.Region, profile.Owner);
        if (claim is not null)
        {
            SaveKeys(minerId, claim, at, AuditEntry.Claim(minerId, at));
        }
    }

    public void SaveKeys(string minerId, StoredKeys keys, DateTimeOffset at, AuditEntry? audit)
    {
        Run(_keys, minerId, Ms(at), keys.Current, keys.Previous, Ms(keys.PreviousUntil), Ms(keys.IssuedAt), Ms(keys.RotatedAt), Ms(keys.RevokedAt));
        SaveAudit(audit);
    }

    public void SaveAudit(AuditEntry? entry)
    {
        if (entry is not null)
        {
            Run(_audit, Ms(entry.At), entry.Who, entry.Address, entry.Action, entry.MinerId, entry.Detail);
        }
    }

    public void SaveEpoch(string minerId, long epoch) => Run(_epoch, minerId, epoch);

    public void SaveDraining(string minerId, bool draining, AuditEntry? audit)
    {
        Run(_draining, minerId, draining);
        SaveAudit(audit);
    }

    public void SavePriceOverride(string minerId, PriceOverride? price, DateTimeOffset at, AuditEntry? audit)
    {
        SaveAudit(audit);
        if (price is null)
        {
            Run(_noPrice, minerId);
        }
        else
        {
            Run(_price, minerId, price.Price.E8, Ms(price.EndsAt), Ms(at));
        }
    }

    public int ForgetFeedback(DateTimeOffset before, int limit) => Run(_forget, Ms(before), limit);

    public int ForgetAudit(DateTimeOffset before, int limit) => Run(_forgetAudit, Ms(before), limit);

    /// <summary>A miner with all that another store knew of it.</summary>
    public void Import(StoredMiner miner)
    {
        SaveKeys(miner.MinerId, miner.Keys, miner.CreatedAt, audit: null);
        if (miner.Profile is { } profile)
        {
            SaveRegistration(miner.MinerId, profile, miner.Epoch, claim: null, miner.CreatedAt);
        }
        Run(_standing, miner.MinerId, Ms(miner.CreatedAt), Ms(miner.LastSeenAt), miner.Epoch, miner.RegisteredEpoch,
            miner.Draining);
        SaveTrust(miner.MinerId, miner.Trust);
        if (miner.Status is { } status)
        {
            SaveStatus(in status);
        }
        if (miner.Price is { } price)
        {
            SavePriceOverride(miner.MinerId, price, price.SetAt ?? miner.CreatedAt, audit: null);
        }
    }

    /// <returns>1 when it was written, 0 when there is no such miner.</returns>
    public int Import(StoredFeedback feedback) => Insert(feedback);

    public void SaveStatus(in StoredStatus status) =>
        Run(_status, status.MinerId, status.QueueLen, status.Busy, status.AvgLatencyMs, status.TempC, status.MemFreeGb,
            Ms(status.SeenAt), Ms(status.KeyUsedAt));

    public FeedbackReceipt RecordFeedback(StoredFeedback feedback, Func<TrustState, TrustState> learn)
    {
        TrustState trust = ReadTrust(feedback.MinerId);
        if (Insert(feedback) == 0)
        {
            return new FeedbackReceipt(false, trust);
        }
        if (!feedback.Matched)
        {
            return new FeedbackReceipt(true, trust);
        }
        TrustState learnt = learn(trust);
        // The receipt must say what a reader of the table will find.
        learnt = learnt with { At = Time(Ms(learnt.At)), EjectedUntil = Time(Ms(learnt.EjectedUntil)) };
        SaveTrust(feedback.MinerId, learnt);
        return new FeedbackReceipt(true, learnt);
    }

    public void Dispose() => _all.ForEach(command => command.Dispose());

    public void ResetTrust(string minerId, Action forget, AuditEntry audit)
    {
        _ = ReadTrust(minerId);
        forget();
        SaveTrust(minerId, TrustState.None);
        SaveAudit(audit);
    }

    public static DateTimeOffset Time(long ms) => DateTimeOffset.FromUnixTimeMilliseconds(ms);
    public static DateTimeOffset? Time(long? ms) => ms is { } value ? Time(value) : null;
    private static long Ms(DateTimeOffset at) => at.ToUnixTimeMilliseconds();
    private static long? Ms(DateTimeOffset? at) => at?.ToUnixTimeMilliseconds();

    private int Insert(StoredFeedback feedback) => Run(_feedback, feedback.JobId, feedback.MinerId, feedback.Outcome, feedback.LatencyMs,
        feedback.FailCode, feedback.TokensSpent?.E8, Ms(feedback.At), feedback.Coordinator, feedback.Matched);

    private void SaveTrust(string minerId, in TrustState trust) => Run(_learn, minerId, trust.Good, trust.Bad, Ms(trust.At),
        trust.FailuresInARow, trust.Ejections, Ms(trust.EjectedUntil), trust.Score);

    private TrustState ReadTrust(string minerId)
    {
        _trust.Parameters[0].Value = minerId;
        using SqliteDataReader row = _trust.ExecuteReader();
        if (!row.Read())
        {
            throw new UnknownMinerException($"The store knows no miner {minerId}.");
        }
        return new TrustState(
            row.GetDouble(0),
            row.GetDouble(1),
            Time(row.GetInt64(2)),
            row.GetInt32(3),
            row.GetInt32(4),
            row.IsDBNull(5) ? null : Time(row.GetInt64(5)),
            row.GetDouble(6));
    }

    private static int Run(SqliteCommand command, params ReadOnlySpan<object?> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            command.Parameters[i].Value = values[i] ?? DBNull.Value;
        }
        return command.ExecuteNonQuery();
    }

    private SqliteCommand Prepare(string sql, int parameters)
    {
        SqliteCommand command = _connection.CreateCommand();
        _all.Add(command);
        // Only ever called with the constants above.
#pragma warning disable CA2100
        command.CommandText = sql;
#pragma warning restore CA2100
        for (int i = 1; i <= parameters; i++)
        {
            command.Parameters.Add(new SqliteParameter { ParameterName = $"?{i}" });
        }
        command.Prepare();
        return command;
    }
}
