using Microsoft.AspNetCore.Connections;
using PoolHub.Daemon.Access;

namespace PoolHub.Daemon.Gateway;

/// <summary>Whom the gate has let in. It becomes a feature of its connection; the gate alone changes where it is counted.</summary>
/// <param name="close">Closes it while it is a stranger's and no connection yet; does nothing to one that is none.</param>
internal sealed class GatedConnection(AddressBlock? address, Action<GatedConnection> close)
{
    private ConnectionContext? _connection;
    private bool _aborted;

    /// <summary>Whose connections it counts among; null where a proxy speaks for many.</summary>
    public AddressBlock? Address { get; set; } = address;

    /// <summary>Its number among the strangers, which no other of the same door has ever had.</summary>
    public long Number { get; set; }

    /// <summary>Where it stands among those that have not said who they are; null once it has.</summary>
    public LinkedListNode<GatedConnection>? Greeting { get; set; }

    /// <summary>Timestamp from which its deadline counts.</summary>
    public long Since { get; set; }

    /// <summary>A conversation has begun: from here on that minds the deadline, and says goodbye.</summary>
    public bool Converses { get; set; }

    public bool Aborted => Volatile.Read(ref _aborted);

    /// <summary>It has sent something, and a connection is made of it.</summary>
    public void Become(ConnectionContext connection)
    {
        _ = Interlocked.Exchange(ref _connection, connection);
        if (Aborted)
        {
            connection.Abort();
        }
    }

    /// <summary>Tears down what it is by now. One that is on its way from one thing to the next sees it when it is there.</summary>
    public void Abort()
    {
        _ = Interlocked.Exchange(ref _aborted, true);
        if (Volatile.Read(ref _connection) is { } connection)
        {
            connection.Abort();
        }
        else
        {
            close(this);
        }
    }
}
