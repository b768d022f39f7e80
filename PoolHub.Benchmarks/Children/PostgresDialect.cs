using System.Buffers.Binary;
using System.Text;

namespace PoolHub.Benchmarks.Children;

/// <summary>
/// PostgreSQL's protocol 3, its extended query: a statement is prepared once for a connection, then bound and executed.
/// An answer ends with "ready for query".
/// </summary>
internal sealed class PostgresDialect : IDialect
{
    private const string Statement = "s";

    public int LengthOf(ReadOnlySpan<byte> received)
    {
        int at = 0;
        while (received.Length >= at + 5)
        {
            int end = at + 1 + BinaryPrimitives.ReadInt32BigEndian(received[(at + 1)..]);
            if (received.Length < end)
            {
                return 0;
            }
            switch (received[at])
            {
                case (byte)'Z':
                    return end;
                case (byte)'E':
                    throw new InvalidDataException(Encoding.UTF8.GetString(received[(at + 5)..end]).Replace('\0', ' '));
                default:
                    at = end;
                    break;
            }
        }
        return 0;
    }

    /// <summary>Begins a connection of a user whom the server trusts.</summary>
    public static byte[] Startup(string user, string database) =>
        Message(null, Number(196_608), Text("user"), Text(user), Text("database"), Text(database), [0]);

    /// <summary>One statement without parameters.</summary>
    public static byte[] Query(string sql) => Message('Q', Text(sql));

    /// <summary>Prepares the statement. Its parameters are $1, $2, …, given as text.</summary>
    public static byte[] Prepare(string sql) => [.. Message('P', Text(Statement), Text(sql), Short(0)), .. Message('S')];

    /// <summary>Runs it.</summary>
    public static byte[] Execute(params string[] parameters) =>
    [
        .. Message('B', [
            [0], Text(Statement), Short(0), Short(parameters.Length),
            .. parameters.Select(p => (byte[])[.. Number(Encoding.UTF8.GetByteCount(p)), .. Encoding.UTF8.GetBytes(p)]),
            Short(0)]),
        .. Message('E', [0], Number(0)),
        .. Message('S'),
    ];

    private static byte[] Message(char? type, params byte[][] parts)
    {
        byte[] body = [.. parts.SelectMany(part => part)];
        return [.. type is { } letter ? (byte[])[(byte)letter] : [], .. Number(body.Length + 4), .. body];
    }

    private static byte[] Text(string text) => [.. Encoding.UTF8.GetBytes(text), 0];

    private static byte[] Number(int value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }

    private static byte[] Short(int value) => Number(value)[2..];
}
