using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using PoolHub.Daemon.Storage;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Access;

/// <summary>
/// The miners' keys, as SHA-256 hashes. Two may be live during a rotation. A revoked miner stays known, without a key, so
/// that open enrolment does not hand its id to somebody else.
/// </summary>
internal sealed class KeyRing(IHubStore store, TimeProvider time)
{
    private static readonly byte[] NoKey = new byte[SHA256.HashSizeInBytes];

    private readonly ConcurrentDictionary<string, StoredKeys> _keys = new();

    /// <summary>When each key was last used; written behind, with the miner's status.</summary>
    private readonly ConcurrentDictionary<string, DateTimeOffset> _usedAt = new();
    private readonly WriteTurns _turns = new();

    public void Load(IEnumerable<StoredMiner> miners)
    {
        foreach (StoredMiner miner in miners)
        {
            _keys[miner.MinerId] = miner.Keys;
            if (miner.Status?.KeyUsedAt is { } usedAt)
            {
                _usedAt[miner.MinerId] = usedAt;
            }
        }
    }

    public bool Knows(string minerId) => _keys.ContainsKey(minerId);

    public bool HasKey(string minerId) => _keys.TryGetValue(minerId, out StoredKeys? keys) && keys.Current is not null;

    /// <summary>Whether its keys were revoked, and none issued since.</summary>
    public bool IsRevoked(string minerId) => _keys.TryGetValue(minerId, out StoredKeys? keys) && keys.RevokedAt is not null;

    /// <summary>Every miner with its keys, in the order of their ids, from after <paramref name="cursor"/>.</summary>
    public IEnumerable<KeyValuePair<string, StoredKeys>> After(string? cursor) => _keys
        .Where(k => cursor is null || string.CompareOrdinal(k.Key, cursor) > 0)
        .OrderBy(k => k.Key, StringComparer.Ordinal);

    /// <summary>When the miner last logged in with its key; null when it never did.</summary>
    public DateTimeOffset? UsedAt(string minerId) => _usedAt.TryGetValue(minerId, out DateTimeOffset at) ? at : null;

    /// <summary>The miner has logged in with its key.</summary>
    public void Use(string minerId) => _usedAt[minerId] = time.GetUtcNow();

    /// <summary>The credential that the key is, when it is the miner's; else null. An unknown miner takes as long as a wrong key.</summary>
    public byte[]? CredentialOf(string minerId, string apiKey)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        Hash(apiKey, hash);
        StoredKeys? keys = _keys.GetValueOrDefault(minerId);
        bool current = CryptographicOperations.FixedTimeEquals(keys?.Current ?? NoKey, hash);
        bool previous = CryptographicOperations.FixedTimeEquals(keys?.Previous ?? NoKey, hash);
        return current && keys?.Current is not null ? keys.Current
            : previous && keys?.Previous is not null && keys.PreviousUntil > time.GetUtcNow() ? keys.Previous
            : null;
    }

    /// <summary>
    /// What opens sessions of the miner now, and so what those that go on must have been begun with: the hashes of its live
    /// keys, and the certificate.
    /// </summary>
    /// <param name="certified">Whether a certificate is enough.</param>
    public IEnumerable<byte[]> Credentials(string minerId, bool certified)
    {
        if (!_keys.TryGetValue(minerId, out StoredKeys? keys))
        {
            yield break;
        }
        if (keys.Current is { } current)
        {
            yield return current;
        }
        if (keys.Previous is { } previous && keys.PreviousUntil > time.GetUtcNow())
        {
            yield return previous;
        }
        if (certified && keys.RevokedAt is null)
        {
            yield return CertificateOf(keys);
        }
    }

    /// <summary>
    /// Claims an unknown id for a key. The claim is made durable with the registration that follows;
    /// <see cref="Unclaim"/> takes it back when that fails.
    /// </summary>
    public StoredKeys? TryClaim(string minerId, string apiKey)
    {
        if (!MinerKey.IsUsable(apiKey))
        {
            return null;
        }
        byte[] hash = new byte[SHA256.HashSizeInBytes];
        Hash(apiKey, hash);
        var keys = new StoredKeys(hash, IssuedAt: time.GetUtcNow());
        return _keys.TryAdd(minerId, keys) ? keys : null;
    }

    /// <summary>
    /// The credential of a miner that has shown a certificate and is not asked for a key; null when it was revoked. One that
    /// is not known is claimed, as by <see cref="TryClaim"/>, without a key.
    /// </summary>
    public byte[]? AdmitCertified(string minerId, out StoredKeys? claim)
    {
        var none = new StoredKeys(null);
        StoredKeys keys = _keys.GetOrAdd(minerId, none);
        claim = ReferenceEquals(keys, none) ? none : null;
        return keys.RevokedAt is null ? CertificateOf(keys) : null;
    }

    public void Unclaim(string minerId, StoredKeys claim)
    {
        if (_keys.TryRemove(new KeyValuePair<string, StoredKeys>(minerId, claim)))
        {
            _ = _usedAt.TryRemove(minerId, out _);
        }
    }

    /// <summary>Makes a key for a miner that has none; null when it has one.</summary>
    /// <param name="minerId">Need not be known yet.</param>
    /// <param name="audit">Who does it; kept with the change, as in the next two.</param>
    public Task<string?> IssueAsync(string minerId, AuditEntry? audit = null) => _turns.InTurnAsync<string?>(minerId, async () =>
    {
        string key = MinerKey.Create();
        return HasKey(minerId) ? null : await SaveAsync(minerId, key, new StoredKeys(Hash(key), IssuedAt: time.GetUtcNow()), audit);
    });

    /// <summary>Makes another key; the one before stays valid for the grace. Null when the miner has none to rotate.</summary>
    public Task<string?> RotateAsync(string minerId, TimeSpan grace, AuditEntry? audit = null) => _turns.InTurnAsync<string?>(minerId, async () =>
    {
        if (_keys.GetValueOrDefault(minerId) is not { Current: { } current } before)
        {
            return null;
        }
        string key = MinerKey.Create();
        DateTimeOffset now = time.GetUtcNow();
        var keys = new StoredKeys(Hash(key), IssuedAt: before.IssuedAt, RotatedAt: now);
        return await SaveAsync(minerId, key, grace > TimeSpan.Zero ? keys with { Previous = current, PreviousUntil = now + grace } : keys, audit);
    });

    /// <summary>Ends every key of the miner; returns how many.</summary>
    public Task<int> RevokeAsync(string minerId, AuditEntry? audit = null) => _turns.InTurnAsync(minerId, async () =>
    {
        StoredKeys? keys = _keys.GetValueOrDefault(minerId);
        int live = (keys?.Current is null ? 0 : 1) + (keys?.Previous is not null && keys.PreviousUntil > time.GetUtcNow() ? 1 : 0);
        DateTimeOffset now = time.GetUtcNow();
        var none = new StoredKeys(null, IssuedAt: keys?.IssuedAt, RotatedAt: keys?.RotatedAt, RevokedAt: keys?.RevokedAt ?? now);
        await store.SaveKeysAsync(minerId, none, now, audit);
        _keys[minerId] = none;
        return live;
    });

    /// <summary>A certificate is another credential after the miner was revoked and let in again, though it is the same one.</summary>
    private static byte[] CertificateOf(StoredKeys keys)
    {
        byte[] issuedAt = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(issuedAt, keys.IssuedAt?.ToUnixTimeMilliseconds() ?? 0);
        return issuedAt;
    }

    private async Task<string> SaveAsync(string minerId, string key, StoredKeys keys, AuditEntry? audit)
    {
        await store.SaveKeysAsync(minerId, keys, time.GetUtcNow(), audit);
        _keys[minerId] = keys;
        return key;
    }

    private static byte[] Hash(string apiKey)
    {
        byte[] hash = new byte[SHA256.HashSizeInBytes];
        Hash(apiKey, hash);
        return hash;
    }

    private static void Hash(string apiKey, Span<byte> hash)
    {
        Span<byte> utf8 = stackalloc byte[Limits.ApiKeyChars * 3];
        if (!Encoding.UTF8.TryGetBytes(apiKey, utf8, out int length))
        {
            hash.Clear();
            return;
        }
        SHA256.HashData(utf8[..length], hash);
    }
}
