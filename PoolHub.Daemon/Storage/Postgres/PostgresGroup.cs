using Npgsql;

namespace PoolHub.Daemon.Storage.Postgres;

/// <summary>
/// Writes that become durable in one transaction, one statement for each kind: registrations, keys, epochs, draining, prices,
/// audit, then
/// feedback and what takes trust back, in their order. Those of one miner that would meet in a statement, or change places, do not enter the same group.
/// </summary>
internal sealed class PostgresGroup
{
    /// <summary>Larger ones gain nothing more.</summary>
    private const int MaxWrites = 4_096;

    private readonly List<RegistrationWrite> _registrations = [];
    private readonly List<(string, StoredKeys, DateTimeOffset)> _keys = [];
    private readonly List<EpochWrite> _epochs = [];
    private readonly List<DrainingWrite> _draining = [];
    private readonly List<PriceWrite> _prices = [];
    private readonly List<AuditEntry> _audit = [];
    private readonly List<LessonWrite> _lessons = [];

    /// <summary>Of equal reports only one can be recorded: the first that is matched, or else the first.</summary>
    private readonly Dictionary<FeedbackKey, FeedbackWrite> _reports = [];
    private readonly HashSet<string> _registered = [];
    private readonly HashSet<string> _keyed = [];
    private readonly HashSet<string> _drained = [];
    private readonly HashSet<string> _priced = [];

    public List<PostgresWrite> Writes { get; } = [];

    /// <summary>False when the group is full or the write must come after it.</summary>
    public bool TryAdd(PostgresWrite write)
    {
        if (Writes.Count == MaxWrites)
        {
            return false;
        }
        switch (write)
        {
            case RegistrationWrite registration:
                if (_keyed.Contains(registration.MinerId) || !_registered.Add(registration.MinerId))
                {
                    return false;
                }
                _registrations.Add(registration);
                if (registration.Claim is { } claim)
                {
                    _ = _keyed.Add(registration.MinerId);
                    _keys.Add((registration.MinerId, claim, registration.At));
                }
                break;
            case KeysWrite keys:
                if (!_keyed.Add(keys.MinerId))
                {
                    return false;
                }
                _keys.Add((keys.MinerId, keys.Keys, keys.At));
                break;
            case PriceWrite price:
                if (!_priced.Add(price.MinerId))
                {
                    return false;
                }
                _prices.Add(price);
                break;
            case DrainingWrite draining:
                if (!_drained.Add(draining.MinerId))
                {
                    return false;
                }
                _draining.Add(draining);
                break;
            case EpochWrite epoch:
                _epochs.Add(epoch);
                break;
            case FeedbackWrite feedback:
                _lessons.Add(feedback);
                if (!_reports.TryAdd(feedback.Key, feedback) && feedback.Feedback.Matched && !_reports[feedback.Key].Feedback.Matched)
                {
                    _reports[feedback.Key] = feedback;
                }
                break;
            case TrustResetWrite reset:
                _lessons.Add(reset);
                break;
            case AuditWrite:
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(write));
        }
        if (write.Audit is { } entry)
        {
            _audit.Add(entry);
        }
        Writes.Add(write);
        return true;
    }

    /// <summary>Makes all of it durable. When it throws, nothing is, or nobody knows.</summary>
    public async Task ExecuteAsync(NpgsqlConnection connection)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(PostgresStatements.Begin());
        // Before the epochs are raised that the sessions before had registered with.
        Add(batch, _registrations.Count > 0 ? PostgresStatements.Idle(_registrations) : null);
        Add(batch, _registrations.Count > 0 ? PostgresStatements.Registrations(_registrations) : null);
        Add(batch, _keys.Count > 0 ? PostgresStatements.Keys(_keys) : null);
        Add(batch, _epochs.Count > 0 ? PostgresStatements.Epochs(_epochs) : null);
        Add(batch, _draining.Count > 0 ? PostgresStatements.Draining(_draining) : null);
        foreach (NpgsqlBatchCommand prices in PostgresStatements.Prices(_prices))
        {
            batch.BatchCommands.Add(prices);
        }
        Add(batch, _audit.Count > 0 ? PostgresStatements.Audit(_audit) : null);
        if (_lessons.Count == 0)
        {
            batch.BatchCommands.Add(PostgresStatements.Commit());
            batch.Timeout = PostgresDsn.TimeoutSec(batch.BatchCommands.Count);
            _ = await batch.ExecuteNonQueryAsync();
            return;
        }
        batch.BatchCommands.Add(PostgresStatements.TrustOf(_lessons));
        batch.BatchCommands.Add(PostgresStatements.Feedback([.. _reports.Values.Select(f => f.Feedback)]));
        batch.Timeout = PostgresDsn.TimeoutSec(batch.BatchCommands.Count);
        Dictionary<string, TrustState> trust = new(StringComparer.Ordinal);
        HashSet<FeedbackKey> recorded = [];
        await using (NpgsqlDataReader reader = await batch.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
            {
                trust[reader.GetString(0)] = PostgresRows.Trust(reader, 1);
            }
            _ = await reader.NextResultAsync();
            while (await reader.ReadAsync())
            {
                _ = recorded.Add(new FeedbackKey(reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetString(3)));
            }
        }
        await using var end = new NpgsqlBatch(connection);
        KeyValuePair<string, TrustState>[] learnt = [.. Learn(trust, recorded)];
        Add(end, learnt.Length > 0 ? PostgresStatements.Trust(learnt) : null);
        AuditEntry[] resets = [.. _lessons.OfType<TrustResetWrite>().Where(r => r.Refusal is null).Select(r => r.Entry)];
        Add(end, resets.Length > 0 ? PostgresStatements.Audit(resets) : null);
        end.BatchCommands.Add(PostgresStatements.Commit());
        _ = await end.ExecuteNonQueryAsync();
    }

    /// <summary>What the new outcomes teach, one after the other; returns the miners whose trust has changed.</summary>
    private Dictionary<string, TrustState> Learn(Dictionary<string, TrustState> trust, HashSet<FeedbackKey> recorded)
    {
        Dictionary<string, TrustState> learnt = new(StringComparer.Ordinal);
        foreach (LessonWrite write in _lessons)
        {
            if (!trust.TryGetValue(write.MinerId, out TrustState state))
            {
                write.Refusal = new UnknownMinerException($"The store knows no miner {write.MinerId}.");
                continue;
            }
            if (write is TrustResetWrite reset)
            {
                reset.Forget();
                learnt[write.MinerId] = trust[write.MinerId] = TrustState.None;
            }
            else if (write is FeedbackWrite report)
            {
                bool isRecorded = ReferenceEquals(_reports[report.Key], report) && recorded.Contains(report.Key);
                if (isRecorded && report.Feedback.Matched)
                {
                    learnt[write.MinerId] = trust[write.MinerId] = state = report.Learn(state);
                }
                write.Receipt = new FeedbackReceipt(isRecorded, state);
            }
        }
        return learnt;
    }

    private static void Add(NpgsqlBatch batch, NpgsqlBatchCommand? command)
    {
        if (command is not null)
        {
            batch.BatchCommands.Add(command);
        }
    }
}
