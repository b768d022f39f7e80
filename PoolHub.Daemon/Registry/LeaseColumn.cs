namespace PoolHub.Daemon.Registry;

/// <summary>
/// When each slot's miner was last heard of, as a timestamp. Grows by whole chunks that never move, so that a heartbeat
/// may write while it grows.
/// </summary>
internal sealed class LeaseColumn
{
    private const int ChunkBits = 12;
    private const int ChunkSize = 1 << ChunkBits;

    private Chunk[] _chunks = [];

    /// <summary>Slots that have a place, used or not.</summary>
    public int Capacity => _chunks.Length << ChunkBits;

    /// <summary>Puts a miner into a slot. Called under the registry's lock, as is <see cref="Clear"/>.</summary>
    public void Put(int slot, Miner miner, long heardAt)
    {
        while (slot >> ChunkBits >= _chunks.Length)
        {
            Volatile.Write(ref _chunks, [.. _chunks, new Chunk()]);
        }
        Chunk chunk = _chunks[slot >> ChunkBits];
        chunk.HeardAt[slot & (ChunkSize - 1)] = heardAt;
        chunk.Miners[slot & (ChunkSize - 1)] = miner;
    }

    public void Clear(int slot) => _chunks[slot >> ChunkBits].Miners[slot & (ChunkSize - 1)] = null;

    public Miner? MinerAt(int slot) => Volatile.Read(ref _chunks)[slot >> ChunkBits].Miners[slot & (ChunkSize - 1)];

    public void Renew(int slot, long heardAt) =>
        Volatile.Write(ref Volatile.Read(ref _chunks)[slot >> ChunkBits].HeardAt[slot & (ChunkSize - 1)], heardAt);

    /// <summary>Has the miner heard of so much later, but not later than now. A heartbeat that comes meanwhile counts.</summary>
    public void Forgive(int slot, long ticks, long now)
    {
        ref long heardAt = ref Volatile.Read(ref _chunks)[slot >> ChunkBits].HeardAt[slot & (ChunkSize - 1)];
        long before = Volatile.Read(ref heardAt);
        if (before < now)
        {
            _ = Interlocked.CompareExchange(ref heardAt, Math.Min(before + ticks, now), before);
        }
    }

    public long HeardAt(int slot) =>
        Volatile.Read(ref Volatile.Read(ref _chunks)[slot >> ChunkBits].HeardAt[slot & (ChunkSize - 1)]);

    private sealed class Chunk
    {
        public readonly long[] HeardAt = new long[ChunkSize];
        public readonly Miner?[] Miners = new Miner?[ChunkSize];
    }
}
