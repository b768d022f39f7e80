using System.Buffers.Binary;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using PoolHub.Daemon.Operations;
using PoolHub.Daemon.Sessions;

namespace PoolHub.Tests.Operations;

/// <summary>https://systemd.io/JOURNAL_NATIVE_PROTOCOL</summary>
public sealed class JournalLogTests : IDisposable
{
    private readonly string _dir = Directory.CreateTempSubdirectory("poolhub-journal-").FullName;
    private readonly Socket _journal = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    private readonly QueuedLog _log;

    public JournalLogTests()
    {
        string path = Path.Combine(_dir, "socket");
        _journal.Bind(new UnixDomainSocketEndPoint(path));
        _log = new QueuedLog(JournalLog.Open(path));
    }

    public void Dispose()
    {
        _log.Dispose();
        _journal.Dispose();
        Directory.Delete(_dir, recursive: true);
    }

    [Fact]
    public void Message_is_one_entry_with_its_priority_and_fields()
    {
        SessionLog.Ended(_log.CreateLogger("PoolHub.Daemon.Sessions"), LogLevel.Information, "rig-1", "192.0.2.7:5000", "bad_credentials");
        Dictionary<string, string> entry = Receive();
        Assert.Equal("conversation with rig-1 at 192.0.2.7:5000 ended: bad_credentials", entry["MESSAGE"]);
        Assert.Equal(
            ("6", "poolhubd", "rig-1", "192.0.2.7:5000", "bad_credentials", "Ended"),
            (entry["PRIORITY"], entry["SYSLOG_IDENTIFIER"], entry["MINER_ID"], entry["REMOTE"], entry["CLOSE_REASON"], entry["POOLHUB_EVENT"]));
    }

    [Theory]
    [InlineData(LogLevel.Critical, "2")]
    [InlineData(LogLevel.Error, "3")]
    [InlineData(LogLevel.Warning, "4")]
    [InlineData(LogLevel.Information, "6")]
    [InlineData(LogLevel.Debug, "7")]
    [InlineData(LogLevel.Trace, "7")]
    public void Level_is_a_priority_of_syslog(LogLevel level, string priority)
    {
        SessionLog.Ended(_log.CreateLogger("PoolHub"), level, "rig-1", "", "leaving");
        Dictionary<string, string> entry = Receive();
        Assert.Equal(priority, entry["PRIORITY"]);
        Assert.False(entry.ContainsKey("REMOTE"), "an empty field says nothing");
    }

    [Fact]
    public void Trace_and_what_a_miner_put_into_a_field_stay_in_one_entry()
    {
        SessionLog.Failed(_log.CreateLogger("PoolHub"), "rig\nPRIORITY=0", "", new InvalidOperationException("two\nlines"));
        Dictionary<string, string> entry = Receive();
        Assert.Equal(("3", "rig?PRIORITY=0"), (entry["PRIORITY"], entry["MINER_ID"]));
        Assert.DoesNotContain('\n', entry["MESSAGE"]);
        Assert.Contains("two | lines", entry["MESSAGE"], StringComparison.Ordinal);
    }

    [Fact]
    public void Journal_that_hangs_keeps_nobody_waiting_and_is_told_what_it_has_missed()
    {
        ILogger logger = _log.CreateLogger("PoolHub");
        for (int i = 0; i < 50_000; i++)
        {
            SessionLog.Ended(logger, LogLevel.Information, "rig-1", "", "leaving");
        }
        long dropped = _log.Dropped;
        Assert.InRange(dropped, 1, 50_000);
        Dictionary<string, string> entry;
        do
        {
            entry = Receive();
        }
        while (entry["POOLHUB_EVENT"] != "LinesDropped");
        Assert.Equal((dropped.ToString(CultureInfo.InvariantCulture), "4"), (entry["COUNT"], entry["PRIORITY"]));
    }

    private Dictionary<string, string> Receive()
    {
        byte[] buffer = new byte[100_000];
        ReadOnlySpan<byte> rest = buffer.AsSpan(0, _journal.Receive(buffer));
        var entry = new Dictionary<string, string>();
        while (!rest.IsEmpty)
        {
            int name = rest.IndexOf((byte)'\n');
            int length = (int)BinaryPrimitives.ReadInt64LittleEndian(rest[(name + 1)..]);
            ReadOnlySpan<byte> value = rest[(name + 9)..];
            entry.Add(Encoding.ASCII.GetString(rest[..name]), Encoding.UTF8.GetString(value[..length]));
            Assert.Equal((byte)'\n', value[length]);
            rest = value[(length + 1)..];
        }
        return entry;
    }
}
