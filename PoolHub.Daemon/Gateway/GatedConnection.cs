using PoolHub.Daemon.Access;

namespace PoolHub.Daemon.Gateway;

/// <summary>Whom the gate has let in. It becomes a feature of its connection; the gate alone changes where it is counted.</summary>
internal sealed class GatedConnection(AddressBlock? address, Action abort)
{
    /// <summary>Whose connections it counts among; null where a proxy speaks for many.</summary>
    public AddressBlock? Address { get; set; } = address;

    /// <summary>Tears down what it is by now: a socket that has said nothing, or a connection.</summary>
    public Action Abort { get; set; } = abort;

    /// <summary>Where it stands among those that have not said who they are; null once it has.</summary>
    public LinkedListNode<GatedConnection>? Greeting { get; set; }

    /// <summary>Timestamp from which its deadline counts.</summary>
    public long Since { get; set; }

    /// <summary>A whole message has come from it, whatever was thought of that.</summary>
    public bool Spoke { get; set; }

    /// <summary>A conversation has begun: from here on that minds the deadline, and says goodbye.</summary>
    public bool Converses { get; set; }
}
