using System.Buffers;

namespace PoolHub.Protocol;

/// <summary>
/// A secret of the hub's settings and whose it is: <c>name:secret</c>, or a secret alone, whose name is
/// <see cref="DefaultName"/>. A name is 1 to 32 of <c>a-z 0-9 _ -</c>; a colon after anything else is part of the secret.
/// </summary>
public sealed record NamedSecret(string Name, string Secret)
{
    /// <summary>Whose a secret is that stands alone.</summary>
    public const string DefaultName = "default";

    private const int MaxNameChars = 32;

    private static readonly SearchValues<char> s_nameChars = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789_-");

    /// <summary>Takes a text apart. Never fails: what has no name is a secret alone.</summary>
    public static NamedSecret Parse(string text)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon is > 0 and <= MaxNameChars && !text.AsSpan(0, colon).ContainsAnyExcept(s_nameChars)
            ? new NamedSecret(text[..colon], text[(colon + 1)..].Trim())
            : new NamedSecret(DefaultName, text);
    }

    /// <summary>The name alone: the secret is in no log.</summary>
    public override string ToString() => Name;
}
