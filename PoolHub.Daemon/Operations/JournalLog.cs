using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace PoolHub.Daemon.Operations;

/// <summary>
/// Writes to the journal in its own protocol, https://systemd.io/JOURNAL_NATIVE_PROTOCOL: a message is one entry, with its
/// priority, and with what it speaks of as fields, so that <c>journalctl MINER_ID=rig-1</c> finds it.
/// </summary>
internal sealed class JournalLog : ILogSink
{
    private const string DefaultSocket = "/run/systemd/journal/socket";

    /// <summary>More than any message; the journal's socket takes about 200 kB.</summary>
    private const int MaxValueChars = 32 * 1_024;

    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);

    private JournalLog(string path) => _socket.Connect(new UnixDomainSocketEndPoint(path));

    /// <summary>The journal, when it is what standard error goes to; else null.</summary>
    public static JournalLog? OfThisProcess()
    {
        // JOURNAL_STREAM=device:inode names the stream; somebody may have redirected standard error since.
        string[] stream = (Environment.GetEnvironmentVariable("JOURNAL_STREAM") ?? "").Split(':');
        try
        {
            return stream.Length == 2 && new FileInfo("/proc/self/fd/2").LinkTarget == $"socket:[{stream[1]}]"
                ? Open(DefaultSocket)
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SocketException)
        {
            return null;
        }
    }

    /// <exception cref="SocketException">Nobody listens there.</exception>
    public static JournalLog Open(string path) => new(path);

    public byte[] Form(in LogMessage message)
    {
        var entry = new ArrayBufferWriter<byte>(512);
        Add(entry, "MESSAGE", message.Text);
        Add(entry, "PRIORITY", LogLine.Priority(message.Level));
        Add(entry, "SYSLOG_IDENTIFIER", "poolhubd");
        Add(entry, "POOLHUB_CATEGORY", message.Category);
        if (message.Event.Name is { } name)
        {
            Add(entry, "POOLHUB_EVENT", name);
        }
        foreach ((string hole, object? value) in message.Fields ?? [])
        {
            string text = Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
            if (hole != "{OriginalFormat}" && text.Length > 0)
            {
                Add(entry, FieldName(hole), LogLine.Printable(text));
            }
        }
        return entry.WrittenSpan.ToArray();
    }

    public void Write(ReadOnlySpan<byte> entry) => _ = _socket.Send(entry);

    public void Dispose() => _socket.Dispose();

    /// <summary>MinerId is MINER_ID. The journal's own names are left to it.</summary>
    internal static string FieldName(string hole)
    {
        var name = new StringBuilder(hole.Length + 4);
        foreach (char c in hole)
        {
            if (char.IsAsciiLetterUpper(c) && name.Length > 0)
            {
                name.Append('_');
            }
            name.Append(char.ToUpperInvariant(c));
        }
        return name.ToString();
    }

    /// <summary>A name, the length of the value as 8 bytes, least first, and the value: whatever stands in it.</summary>
    private static void Add(ArrayBufferWriter<byte> entry, string name, string value)
    {
        value = value.Length > MaxValueChars ? value[..MaxValueChars] : value;
        _ = Encoding.ASCII.GetBytes(name, entry);
        entry.Write("\n"u8);
        BinaryPrimitives.WriteInt64LittleEndian(entry.GetSpan(sizeof(long)), Encoding.UTF8.GetByteCount(value));
        entry.Advance(sizeof(long));
        _ = Encoding.UTF8.GetBytes(value, entry);
        entry.Write("\n"u8);
    }
}
