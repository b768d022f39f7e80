using System.Runtime.InteropServices;
using Npgsql;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Storage.Postgres;

/// <summary>Reads miners. Texts and lists that many miners share become one object.</summary>
internal sealed class PostgresRows
{
    public const string Miners = """
        SELECT m.miner_id, m.trust_good, m.trust_bad, m.trust_at, m.failures_in_a_row, m.ejections, m.ejected_until, m.trust_score,
          m.created_at, m.last_seen_at, m.epoch, m.registered_epoch, m.api_key_hash, m.previous_key_hash, m.previous_key_until,
          m.addr, m.proto, m.gpu_vram_gb, m.gpu_name, m.cpu_cores, m.ram_gb, m.max_parallel, m.base_price, m.region, m.owner,
          m.tags::text, m.capabilities::text, m.accel::text,
          s.updated_at, s.queue_len, s.busy, s.avg_latency_ms, s.temp_c, s.mem_free_gb, p.price, p.ends_at,
          m.key_issued_at, m.key_rotated_at, m.key_revoked_at, s.key_used_at, p.created_at, m.draining
        FROM poolhub.miners m
        LEFT JOIN poolhub.miner_status s ON s.miner_id = m.miner_id
        LEFT JOIN poolhub.price_overrides p ON p.miner_id = m.miner_id
        """;

    public const string Feedback =
        "SELECT job_id, miner_id, outcome, latency_ms, fail_code, tokens_spent, created_at, coordinator, matched FROM poolhub.feedback ORDER BY id";

    /// <summary>One page of a miner's: before an id, and at most so many.</summary>
    public const string FeedbackPage = """
        SELECT job_id, miner_id, outcome, latency_ms, fail_code, tokens_spent, created_at, coordinator, matched, id FROM poolhub.feedback
        WHERE id < $1 AND miner_id = $2 ORDER BY id DESC LIMIT $3
        """;

    public const string Audit = "SELECT at, who, address, action, miner_id, detail, id FROM poolhub.audit ORDER BY id";

    /// <summary>One page of them: before an id, of one miner or of all, and at most so many.</summary>
    public const string AuditPage = """
        SELECT at, who, address, action, miner_id, detail, id FROM poolhub.audit
        WHERE id < $1 AND ($2::text IS NULL OR miner_id = $2) ORDER BY id DESC LIMIT $3
        """;

    private readonly Dictionary<string, string> _texts = [];
    private readonly Dictionary<string, string[]> _lists = [];

    public StoredMiner ReadMiner(NpgsqlDataReader row)
    {
        string minerId = row.GetString(0);
        DateTimeOffset? lastSeenAt = TimeOrNull(row, 9);
        StoredStatus? status = null;
        if (TimeOrNull(row, 28) is { } seenAt)
        {
            status = new StoredStatus(
                minerId, row.GetInt32(29), row.GetBoolean(30), IntOrNull(row, 31), IntOrNull(row, 32),
                row.IsDBNull(33) ? null : row.GetDouble(33), seenAt, TimeOrNull(row, 39));
            lastSeenAt = lastSeenAt is { } registeredAt && registeredAt > seenAt ? registeredAt : seenAt;
        }
        return new StoredMiner(
            minerId,
            row.IsDBNull(15) ? null : ReadProfile(row),
            row.GetInt64(10),
            row.GetInt64(11),
            new StoredKeys(
                BytesOrNull(row, 12), BytesOrNull(row, 13), TimeOrNull(row, 14), TimeOrNull(row, 36), TimeOrNull(row, 37), TimeOrNull(row, 38)),
            Trust(row, 1),
            status,
            Time(row, 8),
            lastSeenAt,
            row.IsDBNull(34) ? null : new PriceOverride(Price(row, 34), TimeOrNull(row, 35), TimeOrNull(row, 40)),
            Draining: row.GetBoolean(41));
    }

    public static StoredFeedback ReadFeedback(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetString(2), IntOrNull(row, 3), row.IsDBNull(4) ? null : row.GetString(4),
        row.IsDBNull(5) ? null : Price(row, 5), Time(row, 6), row.GetString(7), row.GetBoolean(8));

    public static AuditEntry ReadAudit(NpgsqlDataReader row) => new(
        Time(row, 0), row.GetString(1), row.GetString(2), row.GetString(3), row.IsDBNull(4) ? null : row.GetString(4), row.GetString(5),
        row.GetInt64(6));

    /// <summary>Seven columns from <paramref name="first"/> on.</summary>
    public static TrustState Trust(NpgsqlDataReader row, int first) => new(
        row.GetDouble(first), row.GetDouble(first + 1), Time(row, first + 2), row.GetInt32(first + 3), row.GetInt32(first + 4),
        TimeOrNull(row, first + 5), row.GetDouble(first + 6));

    private MinerProfile ReadProfile(NpgsqlDataReader row) => new()
    {
        Addr = row.GetString(15),
        Proto = Shared(row.GetString(16)),
        GpuVramGb = row.GetDouble(17),
        GpuName = Shared(row.GetString(18)),
        CpuCores = row.GetInt32(19),
        RamGb = row.GetDouble(20),
        MaxParallel = row.GetInt32(21),
        Price = Price(row, 22),
        Region = Shared(row.GetString(23)),
        Owner = Shared(row.GetString(24)),
        Tags = SharedList(row.GetString(25)),
        Capabilities = SharedList(row.GetString(26)),
        Accel = SharedList(row.GetString(27)),
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

    private static DateTimeOffset Time(NpgsqlDataReader row, int column) => new(row.GetDateTime(column), TimeSpan.Zero);

    private static DateTimeOffset? TimeOrNull(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : Time(row, column);

    private static int? IntOrNull(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetInt32(column);

    private static byte[]? BytesOrNull(NpgsqlDataReader row, int column) =>
        row.IsDBNull(column) ? null : row.GetFieldValue<byte[]>(column);

    private static TokenPrice Price(NpgsqlDataReader row, int column) =>
        TokenPrice.TryFromTokens(row.GetDecimal(column), out TokenPrice price) ? price : TokenPrice.Max;
}
