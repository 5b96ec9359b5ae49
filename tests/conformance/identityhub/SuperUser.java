import java.util.HashSet;
import java.util.List;
import org.eclipse.edc.identityhub.spi.authentication.ServicePrincipal;
import org.eclipse.edc.identityhub.spi.participantcontext.ParticipantContextService;
import org.eclipse.edc.identityhub.spi.participantcontext.model.KeyDescriptor;
import org.eclipse.edc.identityhub.spi.participantcontext.model.ParticipantManifest;
import org.eclipse.edc.runtime.metamodel.annotation.Inject;
import org.eclipse.edc.runtime.metamodel.annotation.Setting;
import org.eclipse.edc.spi.EdcException;
import org.eclipse.edc.spi.security.Vault;
import org.eclipse.edc.spi.system.ServiceExtension;

/**
 * Gives a fresh IdentityHub its first user, whose key opens its identity API: nothing but code can,
 * for that API asks for the key of a user. All else of this IdentityHub is as it comes.
 */
public class SuperUser implements ServiceExtension {

  private static final String NAME = "super-user";

  @Inject private ParticipantContextService participants;
  @Inject private Vault vault;

  @Setting(description = "The key of the first user", key = "eslabon.tests.superuser.key")
  private String key;

  @Override
  public void start() {
    var signing =
        KeyDescriptor.Builder.newInstance()
            .keyId(NAME + "-key")
            .privateKeyAlias(NAME + "-alias")
            .keyGeneratorParams(java.util.Map.of("algorithm", "EC", "curve", "secp256r1"))
            .build();
    var user =
        ParticipantManifest.Builder.newInstance()
            .participantContextId(NAME)
            .did("did:web:" + NAME)
            .active(true)
            .roles(List.of(ServicePrincipal.ROLE_ADMIN))
            .serviceEndpoints(new HashSet<>())
            .key(signing)
            .apiKeyAlias(NAME + "-apikey")
            .build();
    participants
        .createParticipantContext(user)
        .orElseThrow(failure -> new EdcException(failure.getFailureDetail()));
    vault
        .storeSecret(NAME, NAME + "-apikey", key)
        .orElseThrow(failure -> new EdcException(failure.getFailureDetail()));
  }
}
