using Npgsql;

namespace PoolHub.Daemon.Storage.Postgres;

/// <summary>Adds what another store held: one transaction, a statement for each table and batch.</summary>
internal static class PostgresImport
{
    private const string Standing = """
        UPDATE poolhub.miners m SET created_at = r.created_at, last_seen_at = r.last_seen_at, epoch = r.epoch,
          registered_epoch = r.registered_epoch, draining = r.draining
        FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::bool[])
          AS r (miner_id, created_at, last_seen_at, epoch, registered_epoch, draining)
        WHERE m.miner_id = r.miner_id
        """;

    /// <returns>How much was written.</returns>
    public static async Task<ArchiveEnd> WriteAsync(PostgresDatabase database, IEnumerable<ArchiveBatch> batches)
    {
        await using NpgsqlConnection connection = await database.OpenAsync(CancellationToken.None);
        await using NpgsqlTransaction transaction = await database.AskAsync(() => connection.BeginTransactionAsync().AsTask());
        var written = new ArchiveEnd(0, 0);
        foreach (ArchiveBatch part in batches)
        {
            await using var batch = new NpgsqlBatch(connection, transaction);
            Add(batch, part.Miners);
            NpgsqlBatchCommand feedback = PostgresStatements.Feedback(part.Feedback);
            batch.BatchCommands.Add(feedback);
            batch.BatchCommands.Add(PostgresStatements.Audit(part.Audit));
            _ = await database.AskAsync(() => batch.ExecuteNonQueryAsync());
            written = written.Plus(part.Miners.Count, feedback.RecordsAffected, part.Audit.Count);
        }
        _ = await database.AskAsync(async () =>
        {
            await transaction.CommitAsync();
            return true;
        });
        return written;
    }

    private static void Add(NpgsqlBatch batch, IReadOnlyList<StoredMiner> miners)
    {
        batch.BatchCommands.Add(PostgresStatements.Keys([.. miners.Select(m => (m.MinerId, m.Keys, m.CreatedAt))]));
        batch.BatchCommands.Add(PostgresStatements.Registrations(
            [.. miners.Where(m => m.Profile is not null).Select(m => new RegistrationWrite(m.MinerId, m.Profile!, m.Epoch, null, m.CreatedAt))]));
        var standing = new NpgsqlBatchCommand(Standing);
        standing.Texts(miners, m => m.MinerId);
        standing.Times(miners, m => m.CreatedAt);
        standing.Times(miners, m => m.LastSeenAt);
        standing.Int64s(miners, m => m.Epoch);
        standing.Int64s(miners, m => m.RegisteredEpoch);
        standing.Booleans(miners, m => m.Draining);
        batch.BatchCommands.Add(standing);
        batch.BatchCommands.Add(PostgresStatements.Trust([.. miners.Select(m => KeyValuePair.Create(m.MinerId, m.Trust))]));
        batch.BatchCommands.Add(PostgresStatements.Statuses(miners.Where(m => m.Status is not null).Select(m => m.Status!.Value).ToArray()));
        foreach (NpgsqlBatchCommand prices in PostgresStatements.Prices(
            [.. miners.Where(m => m.Price is not null).Select(m => new PriceWrite(m.MinerId, m.Price, m.Price!.SetAt ?? m.CreatedAt))]))
        {
            batch.BatchCommands.Add(prices);
        }
    }
}
