using PoolHub.Daemon.Access;

namespace PoolHub.Daemon.Gateway;

/// <summary>A connection that was let through the gate. It is a feature of its connection; the gate alone changes it.</summary>
internal sealed class Entrant(AddressBlock? address, Action abort)
{
    /// <summary>Whose connections it counts among; null where a proxy speaks for many.</summary>
    public AddressBlock? Address { get; set; } = address;

    public Action Abort => abort;

    /// <summary>Where it stands among those that have not said who they are; null once it has.</summary>
    public LinkedListNode<Entrant>? Greeting { get; set; }

    /// <summary>Timestamp from which its deadline counts.</summary>
    public long Since { get; set; }

    /// <summary>A conversation has begun: from here on that minds the deadline, and says goodbye.</summary>
    public bool Converses { get; set; }
}
