using Npgsql;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Storage.Postgres;

/// <summary>The statements that write, each for any number of rows.</summary>
internal static class PostgresStatements
{
    private const string SaveIdle = """
        UPDATE poolhub.miner_status s SET queue_len = 0, busy = false
        FROM unnest($1::text[], $2::bigint[]) AS r (miner_id, epoch) JOIN poolhub.miners m USING (miner_id)
        WHERE s.miner_id = r.miner_id AND m.registered_epoch < r.epoch
        """;

    private const string Register = """
        INSERT INTO poolhub.miners AS m (miner_id, created_at, last_seen_at, epoch, registered_epoch, addr, proto, gpu_vram_gb,
          gpu_name, cpu_cores, ram_gb, max_parallel, base_price, tags, capabilities, accel, region, owner)
        SELECT r.miner_id, r.at, r.at, r.epoch, r.epoch, r.addr, r.proto, r.gpu_vram_gb, r.gpu_name, r.cpu_cores, r.ram_gb,
          r.max_parallel, r.base_price, r.tags::jsonb, r.capabilities::jsonb, r.accel::jsonb, r.region, r.owner
        FROM unnest($1::text[], $2::timestamptz[], $3::bigint[], $4::text[], $5::text[], $6::float8[], $7::text[], $8::int[], $9::float8[],
          $10::int[], $11::numeric[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[])
          AS r (miner_id, at, epoch, addr, proto, gpu_vram_gb, gpu_name, cpu_cores, ram_gb, max_parallel, base_price, tags,
            capabilities, accel, region, owner)
        ON CONFLICT (miner_id) DO UPDATE SET last_seen_at = excluded.last_seen_at, epoch = greatest(m.epoch, excluded.epoch),
          registered_epoch = greatest(m.registered_epoch, excluded.registered_epoch), addr = excluded.addr, proto = excluded.proto,
          gpu_vram_gb = excluded.gpu_vram_gb, gpu_name = excluded.gpu_name, cpu_cores = excluded.cpu_cores, ram_gb = excluded.ram_gb,
          max_parallel = excluded.max_parallel, base_price = excluded.base_price, tags = excluded.tags,
          capabilities = excluded.capabilities, accel = excluded.accel, region = excluded.region, owner = excluded.owner
        """;

    private const string SaveKeys = """
        INSERT INTO poolhub.miners (miner_id, created_at, api_key_hash, previous_key_hash, previous_key_until, key_issued_at,
          key_rotated_at, key_revoked_at)
        SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::bytea[], $4::bytea[], $5::timestamptz[], $6::timestamptz[],
          $7::timestamptz[], $8::timestamptz[])
        ON CONFLICT (miner_id) DO UPDATE SET api_key_hash = excluded.api_key_hash,
          previous_key_hash = excluded.previous_key_hash, previous_key_until = excluded.previous_key_until,
          key_issued_at = excluded.key_issued_at, key_rotated_at = excluded.key_rotated_at, key_revoked_at = excluded.key_revoked_at
        """;

    private const string SaveEpochs = """
        UPDATE poolhub.miners m SET epoch = e.epoch
        FROM (SELECT miner_id, max(epoch) AS epoch FROM unnest($1::text[], $2::bigint[]) AS r (miner_id, epoch) GROUP BY miner_id) e
        WHERE m.miner_id = e.miner_id AND m.epoch < e.epoch
        """;

    private const string SaveDraining = """
        UPDATE poolhub.miners m SET draining = r.draining
        FROM unnest($1::text[], $2::bool[]) AS r (miner_id, draining) WHERE m.miner_id = r.miner_id
        """;

    private const string SavePrices = """
        INSERT INTO poolhub.price_overrides (miner_id, price, ends_at, created_at)
        SELECT r.* FROM unnest($1::text[], $2::numeric[], $3::timestamptz[], $4::timestamptz[]) AS r (miner_id, price, ends_at, created_at)
        JOIN poolhub.miners USING (miner_id)
        ON CONFLICT (miner_id) DO UPDATE SET price = excluded.price, ends_at = excluded.ends_at, created_at = excluded.created_at
        """;

    private const string SaveStatuses = """
        INSERT INTO poolhub.miner_status AS s (miner_id, queue_len, busy, avg_latency_ms, temp_c, mem_free_gb, updated_at, key_used_at)
        SELECT r.* FROM unnest($1::text[], $2::int[], $3::bool[], $4::int[], $5::int[], $6::float8[], $7::timestamptz[], $8::timestamptz[])
          AS r (miner_id, queue_len, busy, avg_latency_ms, temp_c, mem_free_gb, updated_at, key_used_at)
        JOIN poolhub.miners USING (miner_id)
        ON CONFLICT (miner_id) DO UPDATE SET queue_len = excluded.queue_len, busy = excluded.busy,
          avg_latency_ms = excluded.avg_latency_ms, temp_c = excluded.temp_c, mem_free_gb = excluded.mem_free_gb,
          updated_at = excluded.updated_at, key_used_at = coalesce(excluded.key_used_at, s.key_used_at)
        """;

    // The owner of the database is the only one who changes trust: reading it needs no lock.
    private const string ReadTrust = """
        SELECT miner_id, trust_good, trust_bad, trust_at, failures_in_a_row, ejections, ejected_until, trust_score
        FROM poolhub.miners WHERE miner_id = ANY ($1::text[])
        """;

    private const string InsertFeedback = """
        INSERT INTO poolhub.feedback AS f (job_id, miner_id, outcome, latency_ms, fail_code, tokens_spent, created_at, coordinator, matched)
        SELECT r.* FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::numeric[], $7::timestamptz[], $8::text[],
          $9::bool[]) AS r (job_id, miner_id, outcome, latency_ms, fail_code, tokens_spent, created_at, coordinator, matched)
        WHERE EXISTS (SELECT 1 FROM poolhub.miners m WHERE m.miner_id = r.miner_id)
        ON CONFLICT (coordinator, job_id, miner_id, outcome) DO UPDATE SET matched = true, latency_ms = excluded.latency_ms,
          fail_code = excluded.fail_code, tokens_spent = excluded.tokens_spent
          WHERE NOT f.matched AND excluded.matched
        RETURNING coordinator, job_id, miner_id, outcome
        """;

    private const string WriteTrust = """
        UPDATE poolhub.miners m SET trust_good = r.good, trust_bad = r.bad, trust_at = r.at, failures_in_a_row = r.failures,
          ejections = r.ejections, ejected_until = r.ejected_until, trust_score = r.score
        FROM unnest($1::text[], $2::float8[], $3::float8[], $4::timestamptz[], $5::int[], $6::int[], $7::timestamptz[], $8::float8[])
          AS r (miner_id, good, bad, at, failures, ejections, ejected_until, score)
        WHERE m.miner_id = r.miner_id
        """;

    private const string InsertAudit = """
        INSERT INTO poolhub.audit (at, who, address, action, miner_id, detail)
        SELECT r.* FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
          AS r (at, who, address, action, miner_id, detail)
        """;

    public static NpgsqlBatchCommand Begin() => new("BEGIN");

    public static NpgsqlBatchCommand Commit() => new("COMMIT");

    /// <summary>What the sessions before had last reported of their load is taken back where a newer one registers.</summary>
    public static NpgsqlBatchCommand Idle(List<RegistrationWrite> rows)
    {
        var command = new NpgsqlBatchCommand(SaveIdle);
        command.Texts(rows, r => r.MinerId);
        command.Int64s(rows, r => r.Epoch);
        return command;
    }

    public static NpgsqlBatchCommand Registrations(List<RegistrationWrite> rows)
    {
        var command = new NpgsqlBatchCommand(Register);
        command.Texts(rows, r => r.MinerId);
        command.Times(rows, r => r.At);
        command.Int64s(rows, r => r.Epoch);
        command.Texts(rows, r => r.Profile.Addr);
        command.Texts(rows, r => r.Profile.Proto);
        command.Doubles(rows, r => r.Profile.GpuVramGb);
        command.Texts(rows, r => r.Profile.GpuName);
        command.Int32s(rows, r => r.Profile.CpuCores);
        command.Doubles(rows, r => r.Profile.RamGb);
        command.Int32s(rows, r => r.Profile.MaxParallel);
        command.Decimals(rows, r => r.Profile.Price.Tokens);
        command.Texts(rows, r => StoreJson.Write(r.Profile.Tags));
        command.Texts(rows, r => StoreJson.Write(r.Profile.Capabilities));
        command.Texts(rows, r => StoreJson.Write(r.Profile.Accel));
        command.Texts(rows, r => r.Profile.Region);
        command.Texts(rows, r => r.Profile.Owner);
        return command;
    }

    public static NpgsqlBatchCommand Keys(List<(string MinerId, StoredKeys Keys, DateTimeOffset At)> rows)
    {
        var command = new NpgsqlBatchCommand(SaveKeys);
        command.Texts(rows, r => r.MinerId);
        command.Times(rows, r => r.At);
        command.Bytes(rows, r => r.Keys.Current);
        command.Bytes(rows, r => r.Keys.Previous);
        command.Times(rows, r => r.Keys.PreviousUntil);
        command.Times(rows, r => r.Keys.IssuedAt);
        command.Times(rows, r => r.Keys.RotatedAt);
        command.Times(rows, r => r.Keys.RevokedAt);
        return command;
    }

    public static NpgsqlBatchCommand Epochs(List<EpochWrite> rows)
    {
        var command = new NpgsqlBatchCommand(SaveEpochs);
        command.Texts(rows, r => r.MinerId);
        command.Int64s(rows, r => r.Epoch);
        return command;
    }

    public static NpgsqlBatchCommand Draining(List<DrainingWrite> rows)
    {
        var command = new NpgsqlBatchCommand(SaveDraining);
        command.Texts(rows, r => r.MinerId);
        command.Booleans(rows, r => r.Draining);
        return command;
    }

    public static IEnumerable<NpgsqlBatchCommand> Prices(List<PriceWrite> rows)
    {
        List<PriceWrite> set = rows.FindAll(r => r.Price is not null);
        List<PriceWrite> taken = rows.FindAll(r => r.Price is null);
        if (set.Count > 0)
        {
            var command = new NpgsqlBatchCommand(SavePrices);
            command.Texts(set, r => r.MinerId);
            command.Decimals(set, r => r.Price!.Price.Tokens);
            command.Times(set, r => r.Price!.EndsAt);
            command.Times(set, r => r.At);
            yield return command;
        }
        if (taken.Count > 0)
        {
            var command = new NpgsqlBatchCommand("DELETE FROM poolhub.price_overrides WHERE miner_id = ANY ($1::text[])");
            command.Texts(taken, r => r.MinerId);
            yield return command;
        }
    }

    public static NpgsqlBatchCommand Statuses(ArraySegment<StoredStatus> rows)
    {
        var command = new NpgsqlBatchCommand(SaveStatuses);
        command.Texts(rows, r => r.MinerId);
        command.Int32s(rows, r => r.QueueLen);
        command.Booleans(rows, r => r.Busy);
        command.Int32s(rows, r => r.AvgLatencyMs);
        command.Int32s(rows, r => r.TempC);
        command.Doubles(rows, r => r.MemFreeGb);
        command.Times(rows, r => r.SeenAt);
        command.Times(rows, r => r.KeyUsedAt);
        return command;
    }

    public static NpgsqlBatchCommand TrustOf(List<LessonWrite> rows)
    {
        var command = new NpgsqlBatchCommand(ReadTrust);
        string[] miners = [.. rows.Select(r => r.MinerId).Distinct()];
        command.Texts(miners, id => id);
        return command;
    }

    /// <param name="rows">Each of another coordinator, job, miner or outcome.</param>
    public static NpgsqlBatchCommand Feedback(IReadOnlyList<StoredFeedback> rows)
    {
        var command = new NpgsqlBatchCommand(InsertFeedback);
        command.Texts(rows, r => r.JobId);
        command.Texts(rows, r => r.MinerId);
        command.Texts(rows, r => r.Outcome);
        command.Int32s(rows, r => r.LatencyMs);
        command.Texts(rows, r => r.FailCode);
        command.Decimals(rows, r => r.TokensSpent?.Tokens);
        command.Times(rows, r => r.At);
        command.Texts(rows, r => r.Coordinator);
        command.Booleans(rows, r => r.Matched);
        return command;
    }

    public static NpgsqlBatchCommand Audit(IReadOnlyList<AuditEntry> rows)
    {
        var command = new NpgsqlBatchCommand(InsertAudit);
        command.Times(rows, r => r.At);
        command.Texts(rows, r => r.Who);
        command.Texts(rows, r => r.Address);
        command.Texts(rows, r => r.Action);
        command.Texts(rows, r => r.MinerId);
        command.Texts(rows, r => r.Detail);
        return command;
    }

    public static NpgsqlBatchCommand Trust(IReadOnlyList<KeyValuePair<string, TrustState>> rows)
    {
        var command = new NpgsqlBatchCommand(WriteTrust);
        command.Texts(rows, r => r.Key);
        command.Doubles(rows, r => r.Value.Good);
        command.Doubles(rows, r => r.Value.Bad);
        command.Times(rows, r => r.Value.At);
        command.Int32s(rows, r => r.Value.FailuresInARow);
        command.Int32s(rows, r => r.Value.Ejections);
        command.Times(rows, r => r.Value.EjectedUntil);
        command.Doubles(rows, r => r.Value.Score);
        return command;
    }
}
