using Npgsql;
using NpgsqlTypes;

namespace PoolHub.Daemon.Storage.Postgres;

/// <summary>
/// Rows as the columns of one unnest(…): a statement takes as many rows as there are, and stays prepared. Added in the
/// order of the statement's parameters.
/// </summary>
internal static class Columns
{
    public static void Texts<T>(this NpgsqlBatchCommand command, IReadOnlyList<T> rows, Func<T, string?> value) =>
        Add(command, rows, value, NpgsqlDbType.Text);

    public static void Bytes<T>(this NpgsqlBatchCommand command, IReadOnlyList<T> rows, Func<T, byte[]?> value) =>
        Add(command, rows, value, NpgsqlDbType.Bytea);

    public static void Int32s<T>(this NpgsqlBatchCommand command, IReadOnlyList<T> rows, Func<T, int?> value) =>
        Add(command, rows, value, NpgsqlDbType.Integer);

    public static void Int64s<T>(this NpgsqlBatchCommand command, IReadOnlyList<T> rows, Func<T, long> value) =>
        Add(command, rows, value, NpgsqlDbType.Bigint);

    public static void Doubles<T>(this NpgsqlBatchCommand command, IReadOnlyList<T> rows, Func<T, double?> value) =>
        Add(command, rows, value, NpgsqlDbType.Double);

    public static void Decimals<T>(this NpgsqlBatchCommand command, IReadOnlyList<T> rows, Func<T, decimal?> value) =>
        Add(command, rows, value, NpgsqlDbType.Numeric);

    public static void Booleans<T>(this NpgsqlBatchCommand command, IReadOnlyList<T> rows, Func<T, bool> value) =>
        Add(command, rows, value, NpgsqlDbType.Boolean);

    public static void Times<T>(this NpgsqlBatchCommand command, IReadOnlyList<T> rows, Func<T, DateTimeOffset?> value) =>
        Add<T, DateTime?>(command, rows, row => value(row) is { } at ? Exact(at).UtcDateTime : null, NpgsqlDbType.TimestampTz);

    /// <summary>To the millisecond, as the store keeps times.</summary>
    public static DateTimeOffset Exact(DateTimeOffset at) => DateTimeOffset.FromUnixTimeMilliseconds(at.ToUnixTimeMilliseconds());

    private static void Add<T, TValue>(NpgsqlBatchCommand command, IReadOnlyList<T> rows, Func<T, TValue> value, NpgsqlDbType type)
    {
        var column = new TValue[rows.Count];
        for (int i = 0; i < column.Length; i++)
        {
            column[i] = value(rows[i]);
        }
        _ = command.Parameters.Add(new NpgsqlParameter<TValue[]> { TypedValue = column, NpgsqlDbType = NpgsqlDbType.Array | type });
    }
}
