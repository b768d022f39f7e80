using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Storage.Sqlite;

/// <summary>Reads every miner once. Texts and lists that many miners share become one object.</summary>
internal sealed class SqliteLoad
{
    private const string Everything = """
        SELECT m.miner_id, m.created_at, m.last_seen_at, m.epoch, m.api_key_hash, m.previous_key_hash,
          m.previous_key_until, m.trust_good, m.trust_bad, m.trust_at, m.failures_in_a_row, m.ejections, m.ejected_until,
          m.trust_score, m.addr, m.proto, m.gpu_vram_gb, m.gpu_name, m.cpu_cores, m.ram_gb, m.max_parallel, m.base_price,
          m.region, m.tags, m.capabilities, m.accel, s.updated_at, s.queue_len, s.busy, s.avg_latency_ms, s.temp_c,
          s.mem_free_gb, m.registered_epoch, m.owner, p.price, p.ends_at,
          m.key_issued_at, m.key_rotated_at, m.key_revoked_at, s.key_used_at, p.created_at, m.draining
        FROM miners m LEFT JOIN miner_status s ON s.miner_id = m.miner_id
          LEFT JOIN price_overrides p ON p.miner_id = m.miner_id
        """;

    public const string Feedback =
        "SELECT job_id, miner_id, outcome, latency_ms, fail_code, tokens_spent, created_at, coordinator, matched FROM feedback ORDER BY id";

    /// <summary>One page of a miner's: before an id, and at most so many.</summary>
    public const string FeedbackPage = """
        SELECT job_id, miner_id, outcome, latency_ms, fail_code, tokens_spent, created_at, coordinator, matched, id FROM feedback
        WHERE id < ?1 AND miner_id = ?2 ORDER BY id DESC LIMIT ?3
        """;

    public const string Audit = "SELECT at, who, address, action, miner_id, detail, id FROM audit ORDER BY id";

    /// <summary>One page of them: before an id, of one miner or of all, and at most so many.</summary>
    public const string AuditPage = """
        SELECT at, who, address, action, miner_id, detail, id FROM audit
        WHERE id < ?1 AND (?2 IS NULL OR miner_id = ?2) ORDER BY id DESC LIMIT ?3
        """;

    private readonly Dictionary<string, string> _texts = [];
    private readonly Dictionary<string, string[]> _lists = [];

    public List<StoredMiner> Read(SqliteConnection connection, CancellationToken cancel)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = Everything;
        using SqliteDataReader row = command.ExecuteReader();
        var miners = new List<StoredMiner>();
        while (row.Read())
        {
            if (miners.Count % 1024 == 0)
            {
                cancel.ThrowIfCancellationRequested();
            }
            miners.Add(ReadMiner(row));
        }
        return miners;
    }

    public static StoredFeedback ReadFeedback(SqliteDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetString(2), IntOrNull(row, 3), row.IsDBNull(4) ? null : row.GetString(4),
        row.IsDBNull(5) ? null : new TokenPrice(row.GetInt64(5)), SqliteStatements.Time(row.GetInt64(6)), row.GetString(7), row.GetInt64(8) != 0);

    public static AuditEntry ReadAudit(SqliteDataReader row) => new(
        SqliteStatements.Time(row.GetInt64(0)), row.GetString(1), row.GetString(2), row.GetString(3),
        row.IsDBNull(4) ? null : row.GetString(4), row.GetString(5), row.GetInt64(6));

    private StoredMiner ReadMiner(SqliteDataReader row)
    {
        string minerId = row.GetString(0);
        DateTimeOffset? lastSeenAt = TimeOrNull(row, 2);
        StoredStatus? status = null;
        if (TimeOrNull(row, 26) is { } seenAt)
        {
            status = new StoredStatus(
                minerId, row.GetInt32(27), row.GetInt64(28) != 0, IntOrNull(row, 29), IntOrNull(row, 30),
                row.IsDBNull(31) ? null : row.GetDouble(31), seenAt, TimeOrNull(row, 39));
            lastSeenAt = lastSeenAt is { } registeredAt && registeredAt > seenAt ? registeredAt : seenAt;
        }
        var keys = new StoredKeys(
            BytesOrNull(row, 4), BytesOrNull(row, 5), TimeOrNull(row, 6), TimeOrNull(row, 36), TimeOrNull(row, 37), TimeOrNull(row, 38));
        var trust = new TrustState(
            row.GetDouble(7), row.GetDouble(8), SqliteStatements.Time(row.GetInt64(9)), row.GetInt32(10), row.GetInt32(11),
            TimeOrNull(row, 12), row.GetDouble(13));
        MinerProfile? profile = row.IsDBNull(14) ? null : ReadProfile(row);
        return new StoredMiner(
            minerId, profile, row.GetInt64(3), row.GetInt64(32), keys, trust, status, SqliteStatements.Time(row.GetInt64(1)), lastSeenAt,
            row.IsDBNull(34) ? null : new PriceOverride(new TokenPrice(row.GetInt64(34)), TimeOrNull(row, 35), TimeOrNull(row, 40)),
            Draining: row.GetInt64(41) != 0);
    }

    private MinerProfile ReadProfile(SqliteDataReader row) => new()
    {
        Addr = row.GetString(14),
        Proto = Shared(row.GetString(15)),
        GpuVramGb = row.GetDouble(16),
        GpuName = Shared(row.GetString(17)),
        CpuCores = row.GetInt32(18),
        RamGb = row.GetDouble(19),
        MaxParallel = row.GetInt32(20),
        Price = new TokenPrice(row.GetInt64(21)),
        Region = Shared(row.GetString(22)),
        Owner = Shared(row.GetString(33)),
        Tags = SharedList(row.GetString(23)),
        Capabilities = SharedList(row.GetString(24)),
        Accel = SharedList(row.GetString(25)),
    };

    private string Shared(string text)
    {
        ref string? shared = ref CollectionsMarshal.GetValueRefOrAddDefault(_texts, text, out _);
        return shared ??= text;
    }

    private string[] SharedList(string json)
    {
        ref string[]? shared = ref CollectionsMarshal.GetValueRefOrAddDefault(_lists, json, out bool known);
        if (!known)
        {
            string[] terms = StoreJson.Read(json);
            for (int i = 0; i < terms.Length; i++)
            {
                terms[i] = Shared(terms[i]);
            }
            shared = terms;
        }
        return shared!;
    }

    private static DateTimeOffset? TimeOrNull(SqliteDataReader row, int column) =>
        row.IsDBNull(column) ? null : SqliteStatements.Time(row.GetInt64(column));

    private static int? IntOrNull(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetInt32(column);

    private static byte[]? BytesOrNull(SqliteDataReader row, int column) =>
        row.IsDBNull(column) ? null : row.GetFieldValue<byte[]>(column);
}
